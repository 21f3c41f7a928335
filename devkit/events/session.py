"""The events of a session: the lines of `devkit dev --json`, and what the terminal shows."""

from dataclasses import asdict, dataclass, field
from typing import ClassVar, Literal

from devkit.events import Event


@dataclass(frozen=True, slots=True)
class SimulatorAddress:
    """Where an offline session takes messages, and as whom: for programs that send through it.

    host: for https too when there is an `authority`, the file to trust, and a `bundle` of it and all else that is
    usually trusted. Named as in the ready event of `devkit simulate`.
    """

    url: str
    host: str
    api_key: str
    api_secret: str = field(repr=False)
    authority: str = ""
    bundle: str = ""


@dataclass(frozen=True, slots=True)
class Ready(Event):
    """Receipts are being recorded; the public URL was reached from outside in. recorded: the directory.

    simulator: null in a live session.
    """

    name: ClassVar[str] = "ready"
    mode: Literal["live", "offline"]
    public_url: str
    callback_url: str
    local_url: str
    inspector_url: str
    recorded: str
    pid: int
    simulator: SimulatorAddress | None = None

    def as_json(self) -> dict[str, object]:
        return {**Event.as_json(self), "simulator": asdict(self.simulator) if self.simulator else None}


@dataclass(frozen=True, slots=True)
class ReceiptTaken(Event):
    """A callback arrived and, unless it is a replay, was recorded to `file`.

    file: empty for a replay. msisdn: masked. signature: the verdict, as in `signature`.
    latency_ms: since the first receipt of the same message; null for the first one.
    problem: why it could not be read as a receipt; empty for a receipt.
    """

    name: ClassVar[str] = "receipt"
    file: str
    message_id: str
    status: str
    err_code: str
    meaning: str
    signature: str
    network: str
    latency_ms: int | None
    msisdn: str
    transport: str
    problem: str
    replay: bool


@dataclass(frozen=True, slots=True)
class Forwarded(Event):
    """A recorded receipt was passed on to the developer's application, or could not be.

    answer: the HTTP status; null when none came, then `problem` says why. ms: milliseconds until the answer.
    sent_again: on a new connection, because one that was used before ended before an answer began.
    """

    name: ClassVar[str] = "forwarded"
    file: str
    message_id: str
    answer: int | None
    ms: float | None
    problem: str
    sent_again: bool = False


@dataclass(frozen=True, slots=True)
class Probe(Event):
    """Somebody who knows the callback URL asked whether it answers, as Vonage does before it saves it."""

    name: ClassVar[str] = "probe"
    user_agent: str


@dataclass(frozen=True, slots=True)
class Refused(Event):
    """A request was turned away. count: how many so far in this session; shown for the first one only."""

    name: ClassVar[str] = "refused"
    status: int
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class NotRecorded(Event):
    """A receipt could not be written to disk and was answered 503, so that Vonage sends it again."""

    name: ClassVar[str] = "not_recorded"
    error: str
    hint: str


@dataclass(frozen=True, slots=True)
class TunnelChanged(Event):
    """The tunnel was opened, lost, found again, restarted, or given up."""

    name: ClassVar[str] = "tunnel"
    state: str
    public_url: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Registered(Event):
    """The account's callback is ours."""

    name: ClassVar[str] = "registered"
    callback_url: str
    former_url: str


@dataclass(frozen=True, slots=True)
class Restored(Event):
    """The account's callback after the session. kept: it was somebody else's by then and was left alone."""

    name: ClassVar[str] = "restored"
    callback_url: str
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Sent(Event):
    """A message was sent; receipts for its parts will follow. to: masked."""

    name: ClassVar[str] = "sent"
    message_ids: tuple[str, ...]
    to: str


@dataclass(frozen=True, slots=True)
class Stopped(Event):
    """The session is over and everything was put back. receipts: how many were recorded."""

    name: ClassVar[str] = "stopped"
    receipts: int
