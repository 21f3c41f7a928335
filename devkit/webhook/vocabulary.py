"""What Vonage's words mean: the statuses, the err-codes and the fields of a receipt. Tables.

Those of the Messages API are in `messages_vocabulary`; its error numbers have four digits, err-codes at most two.

Source: the guide "Delivery Receipts" of Vonage's SMS API documentation, unless a line says otherwise.
Unknown words are data, not errors: the platform sends codes that no document lists.
"""

from dataclasses import dataclass

from devkit.webhook.callback import TRANSPORTS, Transport
from devkit.webhook.messages_vocabulary import ERRORS, INBOUND
from devkit.webhook.messages_vocabulary import FINAL as MESSAGES_FINAL
from devkit.webhook.messages_vocabulary import STATUSES as MESSAGES_STATUSES

_LONGEST_ERR_CODE = 3  # characters; the Messages API's numbers have four


@dataclass(frozen=True, slots=True)
class Status:
    """final: no other receipt is due after it (Vonage support article 115007053127)."""

    final: bool
    meaning: str


@dataclass(frozen=True, slots=True)
class ErrCode:
    """name: Vonage's wording. advice: what to do about it, empty when there is nothing to do."""

    name: str
    advice: str = ""

    @property
    def slug(self) -> str:
        """The name as it is typed on a command line: `absent-subscriber-temporary`."""
        words = "".join(char if char.isalnum() else " " for char in self.name.lower())
        return "-".join(words.split())


STATUSES: dict[str, Status] = {
    "accepted": Status(False, "accepted for delivery by the carrier, not delivered yet"),
    "buffered": Status(False, "buffered by the carrier for later delivery"),
    "delivered": Status(True, "delivered, as far as the carrier says"),
    "expired": Status(
        True, "not delivered in time; after 72 hours without a final receipt Vonage says so itself"
    ),
    "failed": Status(True, "not delivered"),
    "rejected": Status(True, "refused by the carrier"),
    "unknown": Status(True, "the carrier gave no useful information"),
}

# Of all kinds of webhooks, each once.
ALL_STATUSES: tuple[str, ...] = tuple(dict.fromkeys([*STATUSES, *MESSAGES_STATUSES, INBOUND]))

# Vonage's documentation says only that the err-code is not 0 when the status says that something went wrong,
# but `expired` was seen with 0, too.
WITHOUT_ERROR = ("accepted", "buffered", "delivered")

ERR_CODES: dict[str, ErrCode] = {
    "0": ErrCode("Delivered"),
    "1": ErrCode("Unknown", "no reason is known; try once more, then look the message up in the dashboard"),
    "2": ErrCode("Absent Subscriber - Temporary", "the handset is off or out of reach: retry later"),
    "3": ErrCode("Absent Subscriber - Permanent", "the number is no longer active: remove it from your list"),
    "4": ErrCode("Call Barred by User", "the user does not take messages: remove the number from your list"),
    "5": ErrCode("Portability Error", "the number was moved between carriers: ask its carrier"),
    "6": ErrCode("Anti-Spam Rejection", "a spam filter stopped it: change the text or the sender"),
    "7": ErrCode("Handset Busy", "the handset was busy: retry later"),
    "8": ErrCode("Network Error", "the carrier's network failed: retry later"),
    "9": ErrCode("Illegal Number", "the user opted out of this service: stop sending to the number"),
    "10": ErrCode("Illegal Message", "a parameter is wrong, often the encoding: check `type` and the text"),
    "11": ErrCode("Unroutable", "there is no route to this number: check it, then ask Vonage's support"),
    "12": ErrCode("Destination Unreachable", "the number cannot be reached: check it"),
    "13": ErrCode("Subscriber Age Restriction", "the carrier blocks this content by age"),
    "14": ErrCode(
        "Number Blocked by Carrier", "the carrier blocks this number; the user must ask it to unblock"
    ),
    "15": ErrCode("Prepaid Insufficient Funds", "the user's prepaid credit is used up"),
    "50": ErrCode("Entity Filter", "check the `entity-id` that you send"),
    "51": ErrCode("Header Filter", "check that the sender in `from` is registered"),
    "52": ErrCode("Content Filter", "check the `content-id` that you send"),
    "53": ErrCode("Consent Filter", "the user gave no consent for this content"),
    "54": ErrCode("Regulation Error", "a rule of the country forbids it: check its sender regulations"),
    "99": ErrCode("General Error", "the route failed: retry, then ask Vonage's support"),
}

# How the fields of a receipt travel. Vonage's dashboard calls the same three GET, POST and POST-JSON.
DASHBOARD_METHODS: dict[Transport, str] = {"get": "GET", "form": "POST", "json": "POST-JSON"}
TRANSPORT_MEANINGS: dict[Transport, str] = {
    "get": "fields in the query",
    "form": "fields in a form",
    "json": "fields in JSON",
}

FIELDS: dict[str, str] = {
    "msisdn": "the number that the message was sent to (not the sender, whatever the name suggests)",
    "to": "the sender of the message, `from` in the send request (not the recipient)",
    "network-code": "the recipient's network, mobile country code and network code (MCCMNC)",
    "messageId": "the message part; equals `message-id` in the answer to the send request",
    "price": "what the part cost, in EUR",
    "status": "what became of the message part",
    "scts": "when the carrier made the receipt, YYMMDDHHMM, in UTC or in its local time: never order by it",
    "err-code": "why, as a number; 0 also comes with accepted and buffered, and with expired",
    "client-ref": "your own reference, when the send request had one",
    "api-key": "the account that sent the message",
    "message-timestamp": "when Vonage began to push this receipt, UTC",
    "timestamp": "when the receipt was signed, in Unix seconds",
    "nonce": "a value used once, part of what is signed",
    "sig": "the signature over all other fields",
}

# The fields whose digits are no phone number, as long as the value has the form that Vonage gives it (the guide, and
# captures of 2016 to 2020). Any other field may hold one: `msisdn`, `to`, `client-ref`, or one that no document lists.
# Patterns for the whole value, in ASCII; as text, since few runs need them.
_ID = r"(?i:[0-9A-F]{16}|[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}|(?!.*\d{7})[0-9A-Z-]{1,40})"
FORMS: dict[str, str] = {
    "network-code": r"\d{3,6}",
    "messageId": _ID,
    "price": r"-?\d{1,6}(\.\d{1,10})?",
    "status": r"[A-Za-z][A-Za-z _-]{0,31}",
    "scts": r"\d{10}(\d\d)?",
    "err-code": r"-?\d{1,4}",
    "api-key": r"[0-9A-Za-z]{8}",
    "message-timestamp": r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z| ?[+-]\d\d:?\d\d)?",
    "timestamp": r"\d{9,13}",
    "nonce": _ID,
    "sig": r"[0-9A-Fa-f]{32,128}",
}


def parse_transport(text: str) -> Transport:
    """The transport that a word means: get, form, json, or the dashboard's GET, POST, POST-JSON, in any case.

    Raises ValueError.
    """
    for transport, method in DASHBOARD_METHODS.items():
        if text.lower() in (transport, method.lower()):
            return transport
    known, methods = ", ".join(TRANSPORTS), ", ".join(DASHBOARD_METHODS.values())
    raise ValueError(f"{text!r} is no transport; there are {known} (in Vonage's dashboard {methods})")


def is_final(status: str) -> bool | None:
    """Whether nothing more is due after a status of either API; None for a status that no document lists."""
    if status in STATUSES:
        return STATUSES[status].final
    return status in MESSAGES_FINAL if status in MESSAGES_STATUSES else None


def status_meaning(kind: str, status: str) -> str:
    """A status in words. kind: of the webhook; the two APIs mean different things by `rejected`."""
    if status == INBOUND and kind.endswith("-inbound"):
        return "a message that a person sent to your number"
    if kind == "unknown":
        return ""
    meanings = (
        MESSAGES_STATUSES
        if kind == "messages-status"
        else {name: each.meaning for name, each in STATUSES.items()}
    )
    return meanings.get(status, "no document lists this status")


def advice(err_code: str) -> str:
    """What to do about an err-code, or an error number of the Messages API; empty when there is nothing to do."""
    if err_code in ERR_CODES:
        return ERR_CODES[err_code].advice
    return ERRORS[err_code].advice if err_code in ERRORS else ""


def meaning(err_code: str, status: str) -> str:
    """An err-code or error number in words; empty when there is none. One that no document lists is named as such.

    0 is called "Delivered", but comes with other statuses too: with a failure it gives no reason.
    """
    if not err_code:
        return ""
    if err_code == "0" and status != "delivered":
        return "No error" if is_no_error(err_code, status) else "No reason given"
    if err_code in ERR_CODES:
        return ERR_CODES[err_code].name
    kind = "error" if len(err_code) > _LONGEST_ERR_CODE else "err-code"
    return ERRORS[err_code].title if err_code in ERRORS else f"Undocumented {kind} {err_code}"


def reason(err_code: str, status: str) -> str:
    """Why a message has its status, in words; empty when the err-code says only what the status says."""
    return "" if is_no_error(err_code, status) else meaning(err_code, status)


def is_no_error(err_code: str, status: str) -> bool:
    """Whether the err-code says only what the status says: 0, and no failure."""
    return err_code == "0" and status in WITHOUT_ERROR
