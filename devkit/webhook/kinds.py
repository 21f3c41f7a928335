"""The kinds of webhooks beside the receipt: inbound messages of the SMS API, statuses and inbound messages of the
Messages API (v1 and v0.1), and others that are recognised by name only.

Sources: the Messages API's OpenAPI description 1.11.0, Vonage's guide "Inbound SMS", and output
of programs that got real webhooks in 2016 to 2023. Vonage's own pages differ on the spelling of some names; all
spellings are read.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from devkit.webhook.callback import Callback
from devkit.webhook.receipt import Kind, Receipt, Unreadable, Webhook
from devkit.webhook.vocabulary import INBOUND

_PART_COUNTS = ("count_total", "num_messages", "total_count")
_ONLY_IN_RECEIPTS = ("status", "err-code", "scts", "price", "network-code")


def classify(fields: Mapping[str, object], callback: Callback) -> Webhook | Unreadable:
    """The webhook that has these fields. A receipt may lack anything but its status: keep what arrived."""
    if "message_uuid" in fields:
        return _messages_webhook(fields)
    if "messageId" in fields:
        if not any(name in fields for name in _ONLY_IN_RECEIPTS):
            return SmsInbound(fields)
    elif _product(fields) is not None or _has_bearer_token(callback):
        return UnknownWebhook(fields)
    if "status" not in fields:
        return Unreadable("There is no status field: this is not a delivery receipt.")
    return _with_status(Receipt(fields))


def _messages_webhook(fields: Mapping[str, object]) -> Webhook | Unreadable:
    if not _plain(fields["message_uuid"]):
        return Unreadable("The message_uuid is empty or not text; Vonage sends a UUID.")
    return _with_status(MessagesStatus(fields)) if "status" in fields else MessagesInbound(fields)


def _with_status(webhook: Webhook) -> Webhook | Unreadable:
    status = webhook.fields["status"]
    if isinstance(status, str) and status:
        return webhook
    return Unreadable("The status is empty or not text; Vonage sends a word such as delivered.")


def _has_bearer_token(callback: Callback) -> bool:
    """Whether a callback carries a JWT, as webhooks of the Messages API and of newer products do."""
    return any(value[:7].lower() == "bearer " for value in callback.headers_named("authorization"))


class _Attribute:
    """An attribute of a webhook. Its value is at the first of these paths that has one.

    A path is the name of a field, or names with dots for one that is inside an object: `usage.price`.
    """

    def __init__(self, *paths: str) -> None:
        self.paths = [path.split(".") for path in paths]

    def values(self, webhook: Webhook) -> Iterator[str]:
        """The texts and numbers at the paths, as text."""
        for path in self.paths:
            value: object = webhook.fields
            for name in path:
                value = value.get(name) if isinstance(value, Mapping) else None
            yield _plain(value)


class _Text(_Attribute):
    """An attribute that is a text; empty without one."""

    def __get__(self, webhook: Webhook, owner: type[Webhook]) -> str:
        return next(filter(None, self.values(webhook)), "")


class _Count(_Attribute):
    """An attribute that is a small number, which may be written as text; 0 without one."""

    def __get__(self, webhook: Webhook, owner: type[Webhook]) -> int:
        counts = (int(text) for text in self.values(webhook) if text.isdecimal() and len(text) < 6)
        return next(filter(None, counts), 0)


class SmsInbound(Webhook):
    """An inbound message of the SMS API, or one part of it. `msisdn` is the sender here, and `to` the recipient."""

    __slots__ = ()
    kind: ClassVar[Kind] = "sms-inbound"
    status = INBOUND
    recipient = _Text("to")
    sender = _Text("msisdn")
    body_text = _Text("text")  # a binary message has `data` and `udh` instead
    message_type = _Text("type")
    part = _Count("concat-part")
    parts = _Count("concat-total")


class MessagesWebhook(Webhook):
    """What both kinds of the Messages API share. In v0.1, `to` and `from` are objects, and there is no `channel`."""

    __slots__ = ()
    message_id = _Text("message_uuid")
    recipient = _Text("to", "to.number", "to.id")  # an id where the channel has no numbers
    sender = _Text("from", "from.number", "from.id")
    client_ref = _Text("client_ref")
    channel = _Text("channel", "to.type", "from.type")
    # `count_total` is documented for statuses and `num_messages` for inbound messages; programs send and expect
    # `total_count`. In v0.1 all are inside `message`.
    parts = _Count(
        *(f"sms.{name}" for name in _PART_COUNTS), *(f"message.sms.{name}" for name in _PART_COUNTS)
    )


class MessagesStatus(MessagesWebhook):
    """What the Messages API says about one message, whatever its number of parts."""

    __slots__ = ()
    kind: ClassVar[Kind] = "messages-status"
    network = _Text("destination.network_code")

    @property
    def err_code(self) -> str:
        """The number of the error: `title` in v1, where the end of `type` repeats it, and `code` in v0.1."""
        error = self.fields.get("error")
        if not isinstance(error, Mapping):
            return _plain(error)
        # Test data of Vonage's Kotlin SDK has it twice: {"error": {"error": {...}}}.
        error = error.get("error", error)
        if not isinstance(error, Mapping):
            return _plain(error)
        title, code = _plain(error.get("title")), _plain(error.get("code"))
        number = _plain(error.get("type")).rpartition("#")[2]
        return next((each for each in (title, code, number) if each.isdecimal()), title or code)


class MessagesInbound(MessagesWebhook):
    """An inbound message of the Messages API. Vonage has joined the parts of a long text."""

    __slots__ = ()
    kind: ClassVar[Kind] = "messages-inbound"
    status = INBOUND
    err_code = ""
    network = _Text("origin.network_code")
    body_text = _Text("text", "message.content.text")
    message_type = _Text("message_type", "message.content.type")


class UnknownWebhook(Webhook):
    """A webhook that has nothing to do with SMS. It is kept and named."""

    __slots__ = ()
    message_id = _Text("request_id")
    err_code = network = ""
    recipient = _Text("to")
    sender = _Text("from")
    client_ref = _Text("client_ref")
    channel = _Text("channel")
    _status = _Text("status", "type")

    @property
    def status(self) -> str:
        return self._status or self.kind

    @property
    def problem(self) -> str:
        product = _product(self.fields)
        if product is None:
            return "This webhook has a Bearer token, as those of newer Vonage products, but no field that devkit knows."
        return f"This is a webhook of Vonage's {product}: it says nothing about an SMS of yours."


# What fields tell the webhooks of other products. Number Insight and Verify share `request_id`. Those of Verify v2 are
# in Vonage's PHP SDK (test/Verify2/Fixtures/Requests); those of the other products were not compared with a capture.
_PRODUCTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Number Insight API", ("request_id", "status_message")),
    ("Number Insight API", ("request_id", "international_format_number")),
    ("Verify API", ("request_id", "type")),
    ("Voice API", ("conversation_uuid",)),
    ("Voice API", ("recording_uuid",)),
    ("Voice API", ("call_uuid",)),
    ("Conversation API (RTC)", ("type", "body", "application_id")),
    ("Conversation API (RTC)", ("type", "body", "conversation_id")),
    ("Video API", ("sessionId", "projectId")),
)


def _product(fields: Mapping[str, object]) -> str | None:
    """The product that sent a webhook with these fields; None when they tell nothing."""
    return next((name for name, needed in _PRODUCTS if all(field in fields for field in needed)), None)


def _plain(value: object) -> str:
    """A text or a number as text; empty for everything else."""
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
