"""How a simulator is set up: frozen values with defaults that suit a first demonstration."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from devkit.callback import TRANSPORTS, Transport
from devkit.errors import ConfigurationError
from devkit.message_id import ID_STYLES, IdStyle
from devkit.signature import METHODS, Method
from devkit.simulator.fault import Fault
from devkit.simulator.outcome import Pace
from devkit.simulator.retry import POLICIES

Unset = Literal["empty", "null", "missing"]


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """The one account of a simulator, and how the platform treats it.

    method: how receipts travel at the start; the settings API can change it. callback_url: likewise, not probed.
    sign_receipts: adds timestamp, nonce and sig.
    id_style: of message ids, `uuid` as since 2022 or `hex` as before.
    lenient: the settings API takes `drCallbackUrl` too, as the SDK spells it.
    unset_as: how the settings API shows a callback URL that is not set.
    speed: of simulated time; math.inf jumps from event to event. retry: a name in `retry.POLICIES`.
    rate: send calls per real second, 0 for no limit. balance: EUR.
    trial: only `verified` numbers can be sent to.
    connect_timeout, read_timeout: seconds that a callback URL is given, in real time.
    pushers: receipts pushed at once. keep: how many messages and how many deliveries are remembered.
    allow_remote: callback URLs off this machine are pushed to as well.
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
    unset_as: Unset = "empty"
    speed: float = 1
    pace: Pace = field(default_factory=Pace)
    retry: str = "minutely"
    rate: int = 0
    balance: Decimal = Decimal("10000.00000000")
    trial: bool = False
    verified: tuple[str, ...] = field(default=(), repr=False)
    faults: tuple[Fault, ...] = ()
    connect_timeout: float = 3
    read_timeout: float = 15
    pushers: int = 8
    keep: int = 100_000
    allow_remote: bool = False

    def __post_init__(self) -> None:
        """Raises ConfigurationError."""
        choices = {
            "method": TRANSPORTS,
            "signature_method": METHODS,
            "id_style": ID_STYLES,
            "unset_as": ("empty", "null", "missing"),
            "retry": tuple(POLICIES),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ConfigurationError(
                    f"{getattr(self, name)!r} is not a value for {name!r} of the simulator.",
                    hint=f"There are: {', '.join(allowed)}.",
                )
        for name in ("speed", "pushers", "keep"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{name!r} of the simulator must be above 0.", hint="Take 1.")
        if not self.balance.is_finite() or self.rate < 0:
            raise ConfigurationError(
                "'balance' and 'rate' of the simulator must be numbers from 0 on.", hint="Say 0 for none."
            )
