"""The events of a session: the lines of `devkit dev --json`, and what the terminal shows."""

from dataclasses import asdict, dataclass, field
from typing import ClassVar, Literal

from devkit.events import Event

SettingName = Literal["drCallBackUrl", "moCallBackUrl", "status_url", "inbound_url"]  # Vonage's own names
SendApi = Literal["sms", "messages"]


@dataclass(frozen=True, slots=True)
class SimulatorAddress:
    """The address and the account of an offline session's simulator, for programs that send messages.

    host: takes https too when there is an `authority`, the certificate file to trust. bundle: the authority and the
    certificates that are usually trusted. application_id: an application that may send; private_key: the file with its
    key. The names are those of the ready event of `devkit simulate`.
    """

    url: str
    host: str
    api_key: str
    api_secret: str = field(repr=False)
    authority: str = ""
    bundle: str = ""
    application_id: str = ""
    private_key: str = ""


@dataclass(frozen=True, slots=True)
class Ready(Event):
    """The session records receipts, and its public URL was reached from outside.

    recorded: the directory of the recordings. simulator: null in a live session. forward_url: of the developer's
    application, empty when receipts are not forwarded. forward_answers: whether it takes connections; null without one.
    relay: the address of the relay that the session follows, without a password, and who: for whom; empty without one.
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
    forward_url: str = ""
    forward_answers: bool | None = None
    relay: str = ""
    who: str = ""

    def as_json(self) -> dict[str, object]:
        return {**Event.as_json(self), "simulator": asdict(self.simulator) if self.simulator else None}


@dataclass(frozen=True, slots=True)
class ReceiptTaken(Event):
    """A callback arrived and, unless it is a replay, was recorded to `file`.

    file: empty for a replay. msisdn: masked. signature: `absent`, `valid`, `invalid` or `unchecked`.
    latency_ms: since the first receipt of the same message; null for the first one.
    problem: why it could not be read as a receipt; empty for a receipt. triggered: `devkit trigger` made it.
    forwarded: it is sent on to the developer's application, and a `forwarded` event follows.
    order: `duplicate` of an earlier one of this message, or `late`, after one that Vonage pushed later; else empty.
    part, parts: its part of a text that devkit sent, from 1, and how many there are; 0 for any other.
    sent_ms: since the send; null when devkit did not send the message.
    sender, client_ref: masked where they may be a phone number.
    who, recorded_at: of a relay's receipts. The member whose message it is, empty when nobody claims it; and when the
    relay's receiver took it, UTC, as text.
    kind: `sms-receipt`, `sms-inbound`, `messages-status`, `messages-inbound`, `unknown` or `unreadable`. Of another
    kind than a receipt, `status` is `inbound` for an inbound message, `err_code` the error number of the Messages API,
    `part` and `parts` those of a long inbound text, and `problem` what an unknown webhook is.
    channel: `sms`, or the Messages API's name of another one. message_type, text: of an inbound message; numbers in the
    text are masked. signature_problem: why the signature or token must not be trusted; empty for all but these.
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
    triggered: bool = False
    forwarded: bool = False
    order: str = ""
    sender: str = ""
    client_ref: str = ""
    part: int = 0
    parts: int = 0
    sent_ms: int | None = None
    who: str = ""
    kind: str = "sms-receipt"
    channel: str = "sms"
    message_type: str = ""
    text: str = ""
    signature_problem: str = ""
    recorded_at: str = ""


@dataclass(frozen=True, slots=True)
class Forwarded(Event):
    """A recorded receipt was forwarded to the developer's application, or could not be.

    answer: the HTTP status; null without a response, then `problem` says why. ms: milliseconds until the response.
    sent_again: on a new connection, because a reused one ended before a response began.
    """

    name: ClassVar[str] = "forwarded"
    file: str
    message_id: str
    answer: int | None
    ms: float | None
    problem: str
    sent_again: bool = False


@dataclass(frozen=True, slots=True)
class CommandEnded(Event):
    """A command of `--on` has ended. command: the program.

    exit_code: negative for the signal that ended it; null when it did not run, then `problem` says why.
    """

    name: ClassVar[str] = "command"
    command: str
    file: str
    message_id: str
    status: str
    exit_code: int | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Probe(Event):
    """A request without parameters to the callback URL. Vonage sends one before it saves the URL."""

    name: ClassVar[str] = "probe"
    user_agent: str


@dataclass(frozen=True, slots=True)
class Refused(Event):
    """A request was refused. count: refused requests of this session; a terminal shows only the first one."""

    name: ClassVar[str] = "refused"
    status: int
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class NotRecorded(Event):
    """A receipt could not be written to disk. The response is 503, so that Vonage sends it again."""

    name: ClassVar[str] = "not_recorded"
    error: str
    hint: str


@dataclass(frozen=True, slots=True)
class TunnelChanged(Event):
    """The tunnel was opened, lost, restored or restarted, or has ended."""

    name: ClassVar[str] = "tunnel"
    state: str
    public_url: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Registered(Event):
    """A callback URL at Vonage is this session's. setting: which one, by Vonage's own name.

    `drCallBackUrl` (receipts) and `moCallBackUrl` (inbound messages) are the account's, `status_url` and `inbound_url`
    those of an application.
    """

    name: ClassVar[str] = "registered"
    callback_url: str
    former_url: str
    setting: SettingName = "drCallBackUrl"


@dataclass(frozen=True, slots=True)
class Restored(Event):
    """A callback URL at Vonage after the session. kept: somebody else had set it, so it is unchanged.

    setting: as in `Registered`.
    """

    name: ClassVar[str] = "restored"
    callback_url: str
    kept: bool = False
    setting: SettingName = "drCallBackUrl"


@dataclass(frozen=True, slots=True)
class Sent(Event):
    """A message was sent. Receipts for its parts will follow. to: masked. at: when Vonage took it; UTC, as text.

    api: through which it was sent. The Messages API gives one id for all parts, and statuses instead of receipts.
    """

    name: ClassVar[str] = "sent"
    message_ids: tuple[str, ...]
    to: str
    at: str = ""
    api: SendApi = "sms"


@dataclass(frozen=True, slots=True)
class Stopped(Event):
    """The session has ended and the account's callback was restored.

    receipts: the number of recorded ones, with those that cannot be read. left_out: a relay's that are somebody else's,
    and were not kept. other_webhooks: the recorded webhooks that are no receipts.
    """

    name: ClassVar[str] = "stopped"
    receipts: int
    left_out: int = 0
    other_webhooks: int = 0
