"""The options of a simulator: defaults, faults and retry policies."""

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, get_args

from devkit.errors import ConfigurationError
from devkit.http.address import Address, parse_address
from devkit.simulator.application_key import public_key_of
from devkit.simulator.outcomes import HOUR, Delays
from devkit.webhook.callback import TRANSPORTS, Transport
from devkit.webhook.receipt import ID_STYLES, IdStyle
from devkit.webhook.signature import METHODS, Method
from devkit.webhook.vocabulary import parse_transport

_MAX_SECONDS = 60
_MAX_SKEW = 10 * 365 * 86_400  # seconds

# Faults of the settings API. 420 and 200 with an error were seen from this service; the bodies of the others have the
# documented forms.
SETTINGS_FAULTS = (
    *("unauthorized", "unauthorized-problem", "forbidden", "refused", "rate-limited", "server-error"),
    *("unavailable", "error-in-200", "html", "empty", "unchanged", "hang-up", "hang-up-after", "slow"),
)

# Faults of the newer APIs, written with the API in front: `messages-unavailable`.
_NEWER_FAULTS = (
    *("unauthorized", "forbidden", "not-found", "refused", "rate-limited", "server-error", "unavailable"),
    *("html", "empty", "unchanged", "hang-up", "hang-up-after", "slow"),
)
_NEWER_APIS = ("messages", "applications", "numbers")
API_FAULTS: dict[str, frozenset[str]] = {
    api: frozenset(f"{api}-{name}" for name in _NEWER_FAULTS) for api in _NEWER_APIS
}
API_FAULTS["settings"] = frozenset(SETTINGS_FAULTS)
API_FAULTS["messages"] -= {"messages-unchanged"}  # it has nothing to leave unchanged

# send-CODE: the SMS API answers with this status.
SEND_CODES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 22, 23, 29, 32, 33)
SEND_FAULTS: dict[str, int] = {f"send-{code}": code for code in SEND_CODES}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of API_FAULTS or SEND_FAULTS.

    times: how many calls it affects; None for all calls. seconds: the duration of `slow`, in real time.
    """

    name: str
    times: int | None = None
    seconds: float = 5.0

    def __post_init__(self) -> None:
        """Raises ConfigurationError."""
        if self.name not in set(SEND_FAULTS).union(*API_FAULTS.values()):
            of_apis = ", ".join(f"{api}-NAME" for api in _NEWER_APIS)
            names = (
                f"{', '.join(SETTINGS_FAULTS)}, send-CODE, {of_apis} with NAME of {', '.join(_NEWER_FAULTS)}"
            )
            raise ConfigurationError(f"Unknown fault {self.name!r}.", hint=f"Known faults: {names}.")
        if (self.times is not None and self.times < 1) or not 0 <= self.seconds <= _MAX_SECONDS:
            raise ConfigurationError(
                f"The fault {self.name!r} needs `times` of 1 or more, and `seconds` from 0 to {_MAX_SECONDS}.",
                hint='For example {"name": "slow", "times": 1, "seconds": 5}.',
            )


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a webhook is pushed again.

    delay: seconds until the next attempt, after so many attempts. lifetime: seconds from the first attempt to the last,
    of a receipt. retries: whether an HTTP status is retried; by default every failure is.
    """

    delay: Callable[[int], float]
    lifetime: float
    retries: Callable[[int], bool] = lambda answer: not is_success(answer)

    def next_delay(
        self, answer: int | None, attempts: int, age: float, *, is_receipt: bool = True
    ) -> float | None:
        """Seconds until the next attempt; None when there is none.

        answer: the HTTP status; None without a response. age: seconds since the first attempt.
        """
        if answer is not None and not self.retries(answer):
            return None
        delay = self.delay(attempts)
        lifetime = self.lifetime if is_receipt else min(self.lifetime, _OTHER_LIFETIME)
        return delay if age + delay <= lifetime else None


def is_success(answer: int) -> bool:
    """Whether Vonage regards a webhook as received: 200-205 (its concepts page on webhooks)."""
    return 200 <= answer <= 205


# Inbound messages: support article 226572227. Statuses: support article 360028543292, the Messages API sandbox guide.
_OTHER_LIFETIME = 24 * HOUR


POLICIES: dict[str, RetryPolicy] = {
    # Support article 226572227: every 60 s, receipts for 72 h.
    "minutely": RetryPolicy(delay=lambda attempts: 60, lifetime=72 * HOUR),
    # Support article 360028543292: only 429 and 5xx, 5 s doubling up to 15 min, for 24 h.
    "backoff": RetryPolicy(
        delay=lambda attempts: min(900, 5 * 2 ** min(attempts - 1, 10)),
        lifetime=24 * HOUR,
        retries=lambda answer: answer == 429 or answer >= 500,
    ),
    # The guide to the Messages API sandbox: all but 200; 5, 10, 20, 40, 80, 160, 320, 640 s, then every 900 s.
    "sandbox": RetryPolicy(
        delay=lambda attempts: 5 * 2 ** (attempts - 1) if attempts <= 8 else 900,
        lifetime=24 * HOUR,
        retries=lambda answer: answer != 200,
    ),
}

# Which API the account uses for its webhooks: the dashboard's "Messaging API type". Vonage has no API for it.
MessagingApi = Literal["sms", "messages"]

# How the token of a JSON webhook is made. wrong-hash: as if a proxy had re-encoded the body. replayed: the token of
# the first webhook, on all of them.
TokenMode = Literal["signed", "unsigned", "wrong-secret", "wrong-hash", "replayed"]
# The form of a status's error: its number as text (OpenAPI 1.11.0) or as a number (1.1.0); the object twice, as test
# data of Vonage's Kotlin SDK has it.
ErrorForm = Literal["text", "number", "nested"]

# How a URL that is not set is shown.
Unset = Literal["empty", "null", "missing"]

# What becomes of a key that a PUT leaves out.
OmittedKeys = Literal["kept", "regenerated"]


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """The account of a simulator, and the behaviour of its platform.

    method: the transport of receipts at the start, `get`, `form` or `json` (the dashboard's words work too).
    The settings API can change it. callback_url: also at the start; it is not probed.
    inbound_url: the account's URL for inbound messages at the start, not probed either. Both URLs are those of the
    first application, too.
    sign_receipts: adds timestamp, nonce and sig, to inbound messages of the SMS API too.
    id_style: of message ids, `uuid` as since 2022 or `hex` as before.
    lenient: the settings API takes `drCallbackUrl` too, the SDK's spelling.
    unset_value: how the settings API shows a callback URL that is not set.
    speed: of simulated time; math.inf jumps from event to event. retry: a name in POLICIES.
    rate: send calls per real second, 0 for no limit. balance: EUR.
    trial: only `verified` numbers can receive messages.
    messaging_api: the account's "Messaging API type", which decides the kind of its webhooks.
    application_id, private_key: of the application that is there at the start; the key as PEM, empty for a new one.
    numbers: of the account, linked to that application.
    omitted_keys: what a PUT of an application without `keys` does to its key.
    messages_retry: as retry, for webhooks of the Messages API.
    token: how their token is made. token_skew: seconds that are added to its `iat`. fresh_token: each attempt has a
    token of its own; otherwise a retry sends the same bytes.
    error_form: of a status. status_details: statuses have `destination` and `sms`, which the documents have and the
    captures of 2022 lack.
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
    inbound_url: str = field(default="", repr=False)
    messaging_api: MessagingApi = "sms"
    application_id: str = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"
    private_key: str = field(default="", repr=False)
    numbers: tuple[str, ...] = ("447700900900",)
    omitted_keys: OmittedKeys = "kept"
    messages_retry: str = "backoff"
    token: TokenMode = "signed"
    token_skew: float = 0
    fresh_token: bool = False
    error_form: ErrorForm = "text"
    status_details: bool = True
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
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ConfigurationError(
                    f"{getattr(self, name)!r} is not a valid {name!r} of the simulator.",
                    hint=f"Choose one of: {', '.join(choices)}.",
                )
        if self.private_key:
            self._check_private_key()
        if not abs(self.token_skew) <= _MAX_SKEW:
            raise ConfigurationError(
                "'token_skew' of the simulator is too large.",
                hint="Use seconds: 120, or -90000 for a stale token.",
            )
        for name in ("speed", "workers", "history_size"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{name!r} of the simulator must be above 0.", hint="Use 1.")
        if not self.balance.is_finite() or self.rate < 0:
            raise ConfigurationError(
                "'balance' and 'rate' of the simulator must be 0 or more.", hint="Use 0 for none."
            )

    def _check_private_key(self) -> None:
        try:
            public_key_of(self.private_key)
        except ValueError:
            raise ConfigurationError(
                "'private_key' of the simulator is no private key in PEM without a password.",
                hint="Leave it out for a new one.",
            ) from None


_CHOICES: dict[str, Collection[str]] = {
    "method": TRANSPORTS,
    "signature_method": METHODS,
    "id_style": ID_STYLES,
    "unset_value": get_args(Unset),
    "retry": POLICIES,
    "messages_retry": POLICIES,
    "messaging_api": get_args(MessagingApi),
    "omitted_keys": get_args(OmittedKeys),
    "token": get_args(TokenMode),
    "error_form": get_args(ErrorForm),
}


def callback_address(url: str, options: SimulatorOptions) -> Address:
    """Where receipts for a callback URL go. Raises UsageError for a text that is no such URL."""
    return parse_address(url, allow_remote=options.allow_remote, allow_private=options.private_network)
