"""What Vonage's words mean: statuses, err-codes and error numbers, the fields of a receipt, transports. Tables.

Unknown words are data, not errors: the platform sends codes that no document lists.
Sources, unless a line says otherwise: the guide "Delivery Receipts" of Vonage's SMS API documentation. For the Messages
API, the error lists of its reference of 2018 and of 2025 (the later one, as a public program extracted it from
developer.vonage.com), and the page "SMS status callbacks" for how statuses correspond to receipts.
"""

from typing import NamedTuple

from devkit.webhook.callback import TRANSPORTS, Transport


class Status(NamedTuple):
    """final: nothing more is due after it (Vonage support article 115007053127)."""

    final: bool
    meaning: str


class ErrCode(NamedTuple):
    """An err-code of the SMS API, or an error number of the Messages API.

    name: Vonage's wording. advice: what to do about it, empty when there is nothing to do. err_code: of an error
    number, the err-code that it corresponds to, or empty. That is inferred from equal names: Vonage's own table was not
    seen.
    """

    name: str
    advice: str = ""
    err_code: str = ""

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

MESSAGES_STATUSES: dict[str, Status] = {
    "submitted": Status(
        False, "passed to the carrier, not delivered yet; Vonage charges for the message now"
    ),
    "delivered": Status(True, "delivered, as far as the carrier says"),
    "read": Status(True, "read by the recipient; channels other than SMS and MMS only"),
    "rejected": Status(
        True, "not delivered: refused, expired, or failed for the reason that the error names"
    ),
    "undeliverable": Status(True, "not sent: the Messages API could not reach the carrier or channel"),
}

INBOUND = "inbound"  # in the place of a status, for an inbound message of either API

# By kind of webhook: the two APIs mean different things by `rejected`.
STATUS_MEANINGS: dict[str, dict[str, str]] = {
    "sms-receipt": {name: status.meaning for name, status in STATUSES.items()},
    "messages-status": {name: status.meaning for name, status in MESSAGES_STATUSES.items()},
    "sms-inbound": {INBOUND: "a message that a person sent to your number"},
    "messages-inbound": {INBOUND: "a message that a person sent to your number"},
}
ALL_STATUSES: tuple[str, ...] = tuple(dict.fromkeys([*STATUSES, *MESSAGES_STATUSES, INBOUND]))
# Whether nothing more is due after a status of either API, which agree on those that both have.
IS_FINAL: dict[str, bool] = {name: status.final for name, status in (STATUSES | MESSAGES_STATUSES).items()}

# Vonage's documentation says only that the err-code is not 0 when the status says that something went wrong,
# but `expired` was seen with 0, too.
WITHOUT_ERROR = ("accepted", "buffered", "delivered")
NO_ERROR = frozenset(("0", status) for status in WITHOUT_ERROR)  # such an err-code adds nothing to the status

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

_PARAMETERS = "check the parameters that you send"
_RETRY_SOON = "send again in a few minutes"
_RETRY_LATER = "retry later"
_REMOVE = "remove the number from your list"
_ACCOUNT = "ask Vonage's support to check your account"
_FACEBOOK = "reconnect the Facebook page in Vonage's dashboard"
_MEDIA = "check the file that the message names"
_FRAUD = "check the rules of Fraud Defender in Vonage's dashboard"

MESSAGES_ERRORS: dict[str, ErrCode] = {
    "1000": ErrCode("Throttled", "you send faster than the account may: slow down and retry"),
    "1010": ErrCode("Missing params", _PARAMETERS),
    "1020": ErrCode("Invalid params", _PARAMETERS),
    "1021": ErrCode("Invalid tag", "check the tag that you send"),
    "1022": ErrCode("Invalid template", "check the template and its parameters"),
    "1030": ErrCode("Internal error", _RETRY_SOON),
    "1040": ErrCode("Invalid message", "check the number's prefix and the text", "10"),
    "1050": ErrCode("Number barred", f"no message may be sent to the number: {_REMOVE}"),
    "1060": ErrCode("Partner account barred", _ACCOUNT),
    "1070": ErrCode("Partner quota exceeded", "the account has too little credit: add some"),
    "1080": ErrCode("Account not enabled for REST", _ACCOUNT),
    "1090": ErrCode("Message too long", "shorten the message"),
    "1100": ErrCode("Communication failed", _RETRY_SOON),
    "1110": ErrCode("Invalid signature", "check the signature secret and its method"),
    "1120": ErrCode("Illegal sender address", "the country does not allow this `from`: change it"),
    "1130": ErrCode("Invalid TTL", "check `ttl`, which is in seconds"),
    "1140": ErrCode("Facility not allowed", "the account may not use this feature: ask Vonage's support"),
    "1150": ErrCode("Invalid message class", "check the message class that you send"),
    "1160": ErrCode(
        "Non-whitelisted destination",
        "a trial account sends to verified numbers only: add it in the dashboard",
    ),
    "1170": ErrCode("Invalid or missing MSISDN", "check the number in `to`"),
    "1180": ErrCode(
        "Absent subscriber - temporary", f"the handset is off or out of reach: {_RETRY_LATER}", "2"
    ),
    "1190": ErrCode("Absent subscriber - permanent", f"the number is no longer active: {_REMOVE}", "3"),
    "1200": ErrCode(
        "Portability error", "the number was moved between carriers: the user must ask the carrier", "5"
    ),
    "1210": ErrCode("Anti-spam rejection", "a spam filter stopped it: change the text or the sender", "6"),
    "1220": ErrCode(
        "Handset busy",
        f"with `submitted`, Vonage tries again by itself for a day or two; else {_RETRY_LATER}",
        "7",
    ),
    "1230": ErrCode("Network error", f"the carrier's network failed: {_RETRY_LATER}", "8"),
    "1240": ErrCode("Illegal number", "the user opted out with STOP: stop sending to the number", "9"),
    "1241": ErrCode("Too many send requests", "you send to this number too often: slow down"),
    "1250": ErrCode(
        "Unroutable", "there is no route to this number: check it, then ask Vonage's support", "11"
    ),
    "1251": ErrCode("Unable to route traffic to a destination", "ask Vonage's support for the routing rules"),
    "1260": ErrCode("Destination unreachable", "the number cannot be reached: check it", "12"),
    "1270": ErrCode("Subscriber age restriction", "the carrier blocks this content by age", "13"),
    "1280": ErrCode("Number blocked by carrier", "the user must ask the carrier to unblock the number", "14"),
    "1282": ErrCode("Message blocked by provider", "the provider blocks this content: change it"),
    "1290": ErrCode("Prepaid insufficient funds", "the user's prepaid credit is used up", "15"),
    "1300": ErrCode("Not part of the provider network", "the recipient does not use this channel"),
    "1310": ErrCode("Not suitable device", "the user's device can't receive the message"),
    "1320": ErrCode("Message already sent", "do not send the same message twice"),
    "1330": ErrCode("Unknown", "the carrier gave no reason: check the number in `to`", "1"),
    "1331": ErrCode("Provider error", _RETRY_SOON),
    "1340": ErrCode(
        "Outside of the allowed window", "the user must write first: the time for an answer is over"
    ),
    "1350": ErrCode("Phone matching fee not paid", "the Facebook page must pay for phone matching"),
    "1360": ErrCode(
        "TTL was activated", "the message expired: raise `ttl`, or send again if it still makes sense"
    ),
    "1370": ErrCode("Expired access token", _FACEBOOK),
    "1380": ErrCode("Invalid resource", f"{_MEDIA}: its URL must be public"),
    "1381": ErrCode("Resource size is too large", "send a smaller file"),
    "1382": ErrCode("Resource type is invalid", _MEDIA),
    "1400": ErrCode("Unsupported channel", "check `channel`"),
    "1410": ErrCode("Invalid channel parameters", _PARAMETERS),
    "1420": ErrCode("Invalid sender", "check `from`: it must fit the channel"),
    "1430": ErrCode("Invalid recipient", "check `to`: it must fit the channel"),
    "1440": ErrCode("Invalid message type", "check `message_type`: it must fit the channel"),
    "1450": ErrCode("Invalid client reference", "`client_ref` has at most 100 characters"),
    "1451": ErrCode("Invalid context", "the message that you answer is no longer available"),
    "1460": ErrCode("Daily message limit exceeded", "send the rest tomorrow, and check the rules of 10DLC"),
    "1461": ErrCode("Auto-limiting of messages by provider", "the user got too many messages: send fewer"),
    "1470": ErrCode("Fraud Defender traffic rule", _FRAUD),
    "1472": ErrCode("Fraud Defender SMS burst protection", _FRAUD),
    "1473": ErrCode("Fraud Defender AIT protection", _FRAUD),
    "1480": ErrCode("Entity filter", "check the `entity_id` that you send", "50"),
    "1481": ErrCode("Header filter", "check that the sender in `from` is registered", "51"),
    "1482": ErrCode("Content filter", "check the `content_id` that you send", "52"),
    "1483": ErrCode("Consent filter", "the user gave no consent for this content", "53"),
    "1484": ErrCode("Regulation error", "a rule of the country forbids it: check its regulations", "54"),
}

UNKNOWN_ERROR = "1330"
EXPIRED_ERROR = "1360"

_NUMBERS = {error.err_code: number for number, error in MESSAGES_ERRORS.items() if error.err_code}

ALL_ERRORS: dict[str, ErrCode] = (
    ERR_CODES | MESSAGES_ERRORS
)  # err-codes have at most two digits, numbers four
ADVICE: dict[str, str] = {number: error.advice for number, error in ALL_ERRORS.items()}

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


def messages_outcome(status: str, err_code: str) -> tuple[str, str] | None:
    """The Messages API's status and error number where the SMS API has this receipt; None when it sends nothing.

    The statuses are documented; so are the errors of `expired` and `unknown`. The other errors are inferred.
    """
    if status == "buffered":
        return None
    if status in ("accepted", "delivered"):
        return ("submitted" if status == "accepted" else status), ""
    fixed = {"expired": EXPIRED_ERROR, "unknown": UNKNOWN_ERROR}
    return "rejected", fixed.get(status) or _NUMBERS.get(err_code, UNKNOWN_ERROR)


def parse_transport(text: str) -> Transport:
    """The transport that a word means: get, form, json, or the dashboard's GET, POST, POST-JSON, in any case.

    Raises ValueError.
    """
    for transport, method in DASHBOARD_METHODS.items():
        if text.lower() in (transport, method.lower()):
            return transport
    known, methods = ", ".join(TRANSPORTS), ", ".join(DASHBOARD_METHODS.values())
    raise ValueError(f"{text!r} is no transport; there are {known} (in Vonage's dashboard {methods})")
