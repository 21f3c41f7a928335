"""The options of a simulator: defaults, faults and retry policies."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from devkit.errors import ConfigurationError
from devkit.http.address import Address, parse_address
from devkit.simulator.outcomes import HOUR, Delays
from devkit.webhook.callback import TRANSPORTS, Transport
from devkit.webhook.receipt import ID_STYLES, IdStyle
from devkit.webhook.signature import METHODS, Method
from devkit.webhook.vocabulary import parse_transport

_MAX_SECONDS = 60

# Faults of the settings API; `settings_api` plays them. 420 and 200 with an error were seen from this service; the
# bodies of the others have the documented forms.
SETTINGS_FAULTS = (
    *("unauthorized", "unauthorized-problem", "forbidden", "refused", "rate-limited", "server-error"),
    *("unavailable", "error-in-200", "html", "empty", "unchanged", "hang-up", "hang-up-after", "slow"),
)

# send-CODE: the SMS API answers with this status.
SEND_CODES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 22, 23, 29, 32, 33)
SEND_FAULTS: dict[str, int] = {f"send-{code}": code for code in SEND_CODES}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of SETTINGS_FAULTS or SEND_FAULTS.

    times: how many calls it affects; None for all calls. seconds: the duration of `slow`, in real time.
    """

    name: str
    times: int | None = None
    seconds: float = 5.0

    def __post_init__(self) -> None:
        """Raises ConfigurationError."""
        if self.name not in SETTINGS_FAULTS and self.name not in SEND_FAULTS:
            names = ", ".join((*SETTINGS_FAULTS, "send-CODE"))
            raise ConfigurationError(f"Unknown fault {self.name!r}.", hint=f"Known faults: {names}.")
        if (self.times is not None and self.times < 1) or not 0 <= self.seconds <= _MAX_SECONDS:
            raise ConfigurationError(
                f"The fault {self.name!r} needs `times` of 1 or more, and `seconds` from 0 to {_MAX_SECONDS}.",
                hint='For example {"name": "slow", "times": 1, "seconds": 5}.',
            )


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a receipt is pushed again.

    delay: seconds until the next attempt, after so many attempts. lifetime: seconds from the first attempt to the last.
    retries: whether an HTTP status is retried; by default every failure is.
    """

    delay: Callable[[int], float]
    lifetime: float
    retries: Callable[[int], bool] = lambda answer: True

    def next_delay(self, answer: int | None, attempts: int, age: float) -> float | None:
        """Seconds until the next attempt; None when there is none.

        answer: the HTTP status; None without a response. age: seconds since the first attempt.
        """
        if answer is not None and (is_success(answer) or not self.retries(answer)):
            return None
        delay = self.delay(attempts)
        return delay if age + delay <= self.lifetime else None


def is_success(answer: int) -> bool:
    """Whether Vonage regards the receipt as received: 200-205 (its concepts page on webhooks)."""
    return 200 <= answer <= 205


POLICIES: dict[str, RetryPolicy] = {
    # Support article 226572227: every 60 s, receipts for 72 h.
    "minutely": RetryPolicy(delay=lambda attempts: 60, lifetime=72 * HOUR),
    # Support article 360028543292: only 429 and 5xx, 5 s doubling up to 15 min, for 24 h.
    "backoff": RetryPolicy(
        delay=lambda attempts: min(900, 5 * 2 ** min(attempts - 1, 10)),
        lifetime=24 * HOUR,
        retries=lambda answer: answer == 429 or answer >= 500,
    ),
}

Unset = Literal["empty", "null", "missing"]


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """The account of a simulator, and the behaviour of its platform.

    method: the transport of receipts at the start, `get`, `form` or `json` (the dashboard's words work too).
    The settings API can change it. callback_url: also at the start; it is not probed.
    sign_receipts: adds timestamp, nonce and sig.
    id_style: of message ids, `uuid` as since 2022 or `hex` as before.
    lenient: the settings API takes `drCallbackUrl` too, the SDK's spelling.
    unset_value: how the settings API shows a callback URL that is not set.
    speed: of simulated time; math.inf jumps from event to event. retry: a name in POLICIES.
    rate: send calls per real second, 0 for no limit. balance: EUR.
    trial: only `verified` numbers can receive messages.
    connect_timeout, read_timeout: real seconds to wait for a callback URL.
    workers: receipts pushed at once. history_size: how many messages and how many deliveries are kept.
    allow_remote: receipts are pushed to other machines too.
    private_network: programs in private networks, such as other containers, are served, and receipts pushed to them.
    """

    api_key: str = "abcd1234"
    api_secret: str = field(default="S3cretSimulator", repr=False)
    method: Transport = "get"
    callback_url: str = field(default="", repr=False)
    signature_secret: str = field(default="simulator-signature-secret", repr=False)
    signature_method: Method = "md5hash"
    sign_receipts: bool = False
    id_style: IdStyle = "uuid"
    lenient: bool = False
    unset_value: Unset = "empty"
    speed: float = 1
    delays: Delays = field(default_factory=Delays)
    retry: str = "minutely"
    rate: int = 0
    balance: Decimal = Decimal("10000.00000000")
    trial: bool = False
    verified: tuple[str, ...] = field(default=(), repr=False)
    faults: tuple[Fault, ...] = ()
    connect_timeout: float = 3
    read_timeout: float = 15
    workers: int = 8
    history_size: int = 100_000
    allow_remote: bool = False
    private_network: bool = False

    def __post_init__(self) -> None:
        """Raises ConfigurationError."""
        with suppress(ValueError):
            object.__setattr__(self, "method", parse_transport(str(self.method)))
        choices = {
            "method": TRANSPORTS,
            "signature_method": METHODS,
            "id_style": ID_STYLES,
            "unset_value": ("empty", "null", "missing"),
            "retry": tuple(POLICIES),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ConfigurationError(
                    f"{getattr(self, name)!r} is not a valid {name!r} of the simulator.",
                    hint=f"Choose one of: {', '.join(allowed)}.",
                )
        for name in ("speed", "workers", "history_size"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{name!r} of the simulator must be above 0.", hint="Use 1.")
        if not self.balance.is_finite() or self.rate < 0:
            raise ConfigurationError(
                "'balance' and 'rate' of the simulator must be 0 or more.", hint="Use 0 for none."
            )


def callback_address(url: str, options: SimulatorOptions) -> Address:
    """Where receipts for a callback URL go. Raises UsageError for a text that is no such URL."""
    return parse_address(url, allow_remote=options.allow_remote, allow_private=options.private_network)
