"""The kinds of webhooks beside the receipt: inbound messages of the SMS API, statuses and inbound messages of the
Messages API (v1 and v0.1), and others that are recognised by name only.

Sources: the Messages API's OpenAPI description 1.11.0, Vonage's guide "Inbound SMS", and output
of programs that got real webhooks in 2016 to 2023. Vonage's own pages differ on the spelling of some names; all
spellings are read.
"""

from collections.abc import Mapping
from typing import ClassVar

from devkit.webhook.callback import Callback
from devkit.webhook.receipt import Kind, Unreadable, Webhook
from devkit.webhook.vocabulary import INBOUND

_ONLY_IN_RECEIPTS = ("err-code", "scts", "price", "network-code")
_STATUS_PROBLEM = "The status is empty or not text; Vonage sends a word such as delivered."
_UUID_PROBLEM = "The message_uuid is empty or not text; Vonage sends a UUID."


def classify(fields: Mapping[str, object], callback: Callback) -> Webhook | Unreadable | None:
    """The webhook that has these fields, if it is no receipt; None if it may be one, or nothing that Vonage sends."""
    if "message_uuid" in fields:
        return _messages_webhook(fields)
    if "messageId" in fields:
        is_receipt = "status" in fields or any(name in fields for name in _ONLY_IN_RECEIPTS)
        return None if is_receipt else SmsInbound(fields)
    is_other_product = _product(fields) is not None or has_bearer_token(callback)
    return UnknownWebhook(fields) if is_other_product else None


def has_bearer_token(callback: Callback) -> bool:
    """Whether a callback carries a JWT, as webhooks of the Messages API and of newer products do."""
    return any(value[:7].lower() == "bearer " for value in callback.headers_named("authorization"))


def _messages_webhook(fields: Mapping[str, object]) -> Webhook | Unreadable:
    if not _plain(fields["message_uuid"]):
        return Unreadable(_UUID_PROBLEM)
    if "status" not in fields:
        return MessagesInbound(fields)
    status = fields["status"]
    return MessagesStatus(fields) if isinstance(status, str) and status else Unreadable(_STATUS_PROBLEM)


class SmsInbound(Webhook):
    """An inbound message of the SMS API, or one part of it. `msisdn` is the sender here, and `to` the recipient."""

    __slots__ = ()
    kind: ClassVar[Kind] = "sms-inbound"

    @property
    def status(self) -> str:
        return INBOUND

    @property
    def recipient(self) -> str:
        return self.text("to")

    @property
    def sender(self) -> str:
        return self.text("msisdn")

    @property
    def body_text(self) -> str:
        return self.text("text")  # a binary message has `data` and `udh` instead

    @property
    def message_type(self) -> str:
        return self.text("type")

    @property
    def part(self) -> int:
        return _count(self.fields.get("concat-part"))

    @property
    def parts(self) -> int:
        return _count(self.fields.get("concat-total"))


class MessagesWebhook(Webhook):
    """What both kinds of the Messages API share. In v0.1, `to` and `from` are objects, and there is no `channel`."""

    __slots__ = ()

    def inner(self, *names: str) -> str:
        """A nested value as text: `inner("usage", "price")`. Empty when it is missing, or no plain value."""
        return _plain(_inner(self.fields, *names))

    @property
    def message_id(self) -> str:
        return self.inner("message_uuid")

    @property
    def err_code(self) -> str:
        return ""

    @property
    def recipient(self) -> str:
        return self._address("to")

    @property
    def sender(self) -> str:
        return self._address("from")

    @property
    def client_ref(self) -> str:
        return self.inner("client_ref")

    @property
    def channel(self) -> str:
        return self.inner("channel") or self.inner("to", "type") or self.inner("from", "type")

    @property
    def parts(self) -> int:
        # The first is documented for statuses and the second for inbound messages; programs send and expect the third.
        names = ("count_total", "num_messages", "total_count")
        counts = (_count(_inner(self._content, "sms", name)) for name in names)
        return next(filter(None, counts), 0)

    @property
    def _content(self) -> Mapping[str, object]:
        """Where the fields of the channel are: in v0.1 inside `message`."""
        message = self.fields.get("message")
        return message if isinstance(message, Mapping) else self.fields

    def _address(self, name: str) -> str:
        """A number, or the id of a person in a channel without numbers."""
        return self.inner(name) or self.inner(name, "number") or self.inner(name, "id")


class MessagesStatus(MessagesWebhook):
    """What the Messages API says about one message, whatever its number of parts."""

    __slots__ = ()
    kind: ClassVar[Kind] = "messages-status"

    @property
    def status(self) -> str:
        return self.text("status")

    @property
    def err_code(self) -> str:
        """The number of the error: `title` in v1, where the end of `type` repeats it, and `code` in v0.1."""
        error = self._error
        if not isinstance(error, Mapping):
            return _plain(error)
        title, code = _plain(error.get("title")), _plain(error.get("code"))
        number = _plain(error.get("type")).rpartition("#")[2]
        return next((each for each in (title, code, number) if each.isdecimal()), title or code)

    @property
    def error_detail(self) -> str:
        """What the platform says about the error."""
        error = self._error
        detail = (
            (_plain(error.get(name)) for name in ("detail", "reason")) if isinstance(error, Mapping) else ()
        )
        return next(filter(None, detail), "")

    @property
    def network(self) -> str:
        return self.inner("destination", "network_code")

    @property
    def workflow(self) -> tuple[str, int, int]:
        """The failover workflow: its id, the number of this message in it, and how many it has. Empty and 0 without."""
        either = self.inner("workflow", "workflow_id") or self.inner("workflow", "id")
        return (
            either,
            self._workflow_count("items_number", "item_number"),
            self._workflow_count("items_total", "total_items"),
        )

    def _workflow_count(self, *names: str) -> int:
        counts = (_count(_inner(self.fields, "workflow", name)) for name in names)
        return next(filter(None, counts), 0)

    @property
    def _error(self) -> object:
        """The error object. Test data of Vonage's Kotlin SDK has it twice: {"error": {"error": {...}}}."""
        error = self.fields.get("error")
        return error["error"] if isinstance(error, Mapping) and "error" in error else error


class MessagesInbound(MessagesWebhook):
    """An inbound message of the Messages API. Vonage has joined the parts of a long text."""

    __slots__ = ()
    kind: ClassVar[Kind] = "messages-inbound"

    @property
    def status(self) -> str:
        return INBOUND

    @property
    def network(self) -> str:
        return self.inner("origin", "network_code")

    @property
    def body_text(self) -> str:
        return self.inner("text") or self.inner("message", "content", "text")

    @property
    def message_type(self) -> str:
        return self.inner("message_type") or self.inner("message", "content", "type")


class UnknownWebhook(Webhook):
    """A webhook that has nothing to do with SMS. It is kept and named."""

    __slots__ = ()

    @property
    def message_id(self) -> str:
        return _plain(self.fields.get("request_id"))

    @property
    def status(self) -> str:
        return next(filter(None, (_plain(self.fields.get(name)) for name in ("status", "type"))), self.kind)

    @property
    def err_code(self) -> str:
        return ""

    @property
    def recipient(self) -> str:
        return _plain(self.fields.get("to"))

    @property
    def sender(self) -> str:
        return _plain(self.fields.get("from"))

    @property
    def client_ref(self) -> str:
        return _plain(self.fields.get("client_ref"))

    @property
    def network(self) -> str:
        return ""

    @property
    def channel(self) -> str:
        return _plain(self.fields.get("channel"))

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


def _inner(value: object, *names: str) -> object:
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _plain(value: object) -> str:
    """A text or a number as text; empty for everything else."""
    if isinstance(value, float) and value.is_integer():
        return f"{value:.0f}"
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _count(value: object) -> int:
    """A small number, which may be text; 0 for everything else."""
    text = _plain(value)
    return int(text) if text.isdecimal() and len(text) < 6 else 0
