"""What happens in a simulator, as values: messages, attempts to push a webhook, refusals, changes of the account.

Some are events as they are; `events` makes events of the others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, Literal

from devkit.events import Event
from devkit.simulator.options import MessagingApi
from devkit.simulator.outcomes import Network, Outcome
from devkit.webhook.callback import Transport
from devkit.webhook.new_webhook import MessagesVersion

ApiName = Literal["sms", "settings", "messages", "applications", "numbers"]
WebhookKind = Literal["sms-receipt", "sms-inbound", "messages-status", "messages-inbound"]


@dataclass(frozen=True, slots=True)
class Refusal(Event):
    """A request was refused. status: of the SMS API's table if `api` is `sms`, else of HTTP."""

    name: ClassVar[str] = "refused"
    api: ApiName
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class ApplicationChanged(Event):
    """An application was made, replaced or deleted. The URLs: of its messages capability, empty without one."""

    name: ClassVar[str] = "application"
    application_id: str
    inbound_url: str = ""
    status_url: str = ""
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class NumberChanged(Event):
    """The links of a number were replaced. inbound_url: its `moHttpUrl`."""

    name: ClassVar[str] = "number"
    number: str
    application_id: str
    inbound_url: str


@dataclass(frozen=True, slots=True)
class Account:
    """The account's settings and its balance in EUR. method: the transport of receipts.

    spelling, inbound_spelling: the parameter name with which the URL of receipts, or that of inbound messages, was last
    set, correct or not; empty before that.
    """

    dr_callback_url: str = field(default="", repr=False)
    mo_callback_url: str = field(default="", repr=False)
    method: Transport = "get"
    balance: Decimal = Decimal(0)
    spelling: str = ""
    inbound_spelling: str = ""


@dataclass(frozen=True, slots=True)
class Workflow:
    """The failover workflow of a message. number: of this message in it, from 1."""

    workflow_id: str
    number: int
    total: int


@dataclass(frozen=True, slots=True)
class Message:
    """One part of an SMS of the SMS API, or a whole message of the Messages API.

    at: when it was sent, simulated seconds since the epoch.
    callback_url: the one in the send request; empty for the application's or the account's.
    kind: of its webhooks. The fields after it are for `messages-status` only.
    parts: of the text. application_id: of the sender; empty for the account itself. version: the one in the send
    request. fallbacks: messages that are sent, one after the other, if this one is rejected.
    """

    message_id: str
    recipient: str
    sender: str
    text: str
    at: float
    network: Network
    outcome: Outcome
    client_ref: str = ""
    callback_url: str = ""
    kind: WebhookKind = "sms-receipt"
    parts: int = 1
    application_id: str = ""
    version: MessagesVersion | None = None
    workflow: Workflow | None = None
    fallbacks: tuple["Message", ...] = ()

    def __repr__(self) -> str:
        return f"<Message {self.message_id}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundText:
    """A text to a number of the account.

    sender: a number or a name. recipient: a number of the account; empty for its first.
    unicode: as UCS-2, also if the GSM alphabet would do. data, udh: of a binary message, in hex; it has no text.
    api: the one that pushes the webhooks; None for the account's Messaging API type.
    Only the SMS API pushes parts. parts: their numbers, in the order in which they are pushed; None for all of them. A
    missing number is a lost part. pause: simulated seconds between two parts. concat: whether the parts say that they
    belong together; those of some carriers do not.
    """

    text: str = "Hello from devkit"
    sender: str = "447700900001"
    recipient: str = ""
    unicode: bool = False
    data: str = ""
    udh: str = ""
    api: MessagingApi | None = None
    parts: Sequence[int] | None = None
    pause: float = 1.0
    concat: bool = True


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A text that somebody sent to a number of the account.

    message_ids: one for each part of `sms-inbound`, a single one for `messages-inbound`.
    """

    kind: WebhookKind
    message_ids: tuple[str, ...]
    sender: str
    recipient: str
    text: str
    at: float

    def __repr__(self) -> str:
        return f"<InboundMessage {', '.join(self.message_ids)}>"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to push one webhook. status: `inbound` for an inbound message.

    err_code: of a receipt, or the error number of a status of the Messages API.
    attempt: from 1. at: simulated seconds since the epoch. answer: the HTTP status; None without a response, then
    `problem` says why. retry_at: when the next attempt is due; None when there is none.
    sent_again: on a new connection, within this attempt: a reused connection ended before a response began.
    """

    message_id: str
    status: str
    err_code: str
    attempt: int
    at: float
    answer: int | None
    problem: str = ""
    retry_at: float | None = None
    sent_again: bool = False
    kind: WebhookKind = "sms-receipt"


@dataclass(frozen=True, slots=True)
class TlsHandshakeFailed:
    """A program ended a TLS handshake. reason: as OpenSSL names it. Reported once for each reason."""

    reason: str


# An Account: its settings were changed.
Occurrence = (
    Message
    | InboundMessage
    | Delivery
    | Refusal
    | Account
    | ApplicationChanged
    | NumberChanged
    | TlsHandshakeFailed
)

# Called in the thread in which it happens, so it must not block.
Observer = Callable[[Occurrence], None]
