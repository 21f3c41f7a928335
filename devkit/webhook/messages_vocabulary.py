"""What the words of the Messages API mean: its statuses, and the numbers of its errors. Tables.

Sources: the error lists of the Messages API reference of 2018 and of 2025 (the later one, as a public program extracted
it from developer.vonage.com), and Vonage's page "SMS status callbacks" for how statuses correspond to receipts.
Which err-code a number corresponds to is inferred from equal names: Vonage's own table was not seen.
Unknown words are data, not errors.
"""

from typing import NamedTuple


class MessagesError(NamedTuple):
    """title: Vonage's wording. advice: what to do about it. err_code: that of the SMS API, empty without one."""

    title: str
    advice: str
    err_code: str = ""


STATUSES: dict[str, str] = {
    "submitted": "passed to the carrier, not delivered yet; Vonage charges for the message now",
    "delivered": "delivered, as far as the carrier says",
    "read": "read by the recipient; channels other than SMS and MMS only",
    "rejected": "not delivered: refused, expired, or failed for the reason that the error names",
    "undeliverable": "not sent: the Messages API could not reach the carrier or channel",
}
FINAL = frozenset({"delivered", "read", "rejected", "undeliverable"})
INBOUND = "inbound"  # in the place of a status, for an inbound message of either API

_PARAMETERS = "check the parameters that you send"
_RETRY_SOON = "send again in a few minutes"
_RETRY_LATER = "retry later"
_REMOVE = "remove the number from your list"
_ACCOUNT = "ask Vonage's support to check your account"
_FACEBOOK = "reconnect the Facebook page in Vonage's dashboard"
_MEDIA = "check the file that the message names"
_FRAUD = "check the rules of Fraud Defender in Vonage's dashboard"

ERRORS: dict[str, MessagesError] = {
    "1000": MessagesError("Throttled", "you send faster than the account may: slow down and retry"),
    "1010": MessagesError("Missing params", _PARAMETERS),
    "1020": MessagesError("Invalid params", _PARAMETERS),
    "1021": MessagesError("Invalid tag", "check the tag that you send"),
    "1022": MessagesError("Invalid template", "check the template and its parameters"),
    "1030": MessagesError("Internal error", _RETRY_SOON),
    "1040": MessagesError("Invalid message", "check the number's prefix and the text", "10"),
    "1050": MessagesError("Number barred", f"no message may be sent to the number: {_REMOVE}"),
    "1060": MessagesError("Partner account barred", _ACCOUNT),
    "1070": MessagesError("Partner quota exceeded", "the account has too little credit: add some"),
    "1080": MessagesError("Account not enabled for REST", _ACCOUNT),
    "1090": MessagesError("Message too long", "shorten the message"),
    "1100": MessagesError("Communication failed", _RETRY_SOON),
    "1110": MessagesError("Invalid signature", "check the signature secret and its method"),
    "1120": MessagesError("Illegal sender address", "the country does not allow this `from`: change it"),
    "1130": MessagesError("Invalid TTL", "check `ttl`, which is in seconds"),
    "1140": MessagesError(
        "Facility not allowed", "the account may not use this feature: ask Vonage's support"
    ),
    "1150": MessagesError("Invalid message class", "check the message class that you send"),
    "1160": MessagesError(
        "Non-whitelisted destination",
        "a trial account sends to verified numbers only: add it in the dashboard",
    ),
    "1170": MessagesError("Invalid or missing MSISDN", "check the number in `to`"),
    "1180": MessagesError(
        "Absent subscriber - temporary", f"the handset is off or out of reach: {_RETRY_LATER}", "2"
    ),
    "1190": MessagesError("Absent subscriber - permanent", f"the number is no longer active: {_REMOVE}", "3"),
    "1200": MessagesError(
        "Portability error", "the number was moved between carriers: the user must ask the carrier", "5"
    ),
    "1210": MessagesError(
        "Anti-spam rejection", "a spam filter stopped it: change the text or the sender", "6"
    ),
    "1220": MessagesError(
        "Handset busy",
        f"with `submitted`, Vonage tries again by itself for a day or two; else {_RETRY_LATER}",
        "7",
    ),
    "1230": MessagesError("Network error", f"the carrier's network failed: {_RETRY_LATER}", "8"),
    "1240": MessagesError("Illegal number", "the user opted out with STOP: stop sending to the number", "9"),
    "1241": MessagesError("Too many send requests", "you send to this number too often: slow down"),
    "1250": MessagesError(
        "Unroutable", "there is no route to this number: check it, then ask Vonage's support", "11"
    ),
    "1251": MessagesError(
        "Unable to route traffic to a destination", "ask Vonage's support for the routing rules"
    ),
    "1260": MessagesError("Destination unreachable", "the number cannot be reached: check it", "12"),
    "1270": MessagesError("Subscriber age restriction", "the carrier blocks this content by age", "13"),
    "1280": MessagesError(
        "Number blocked by carrier", "the user must ask the carrier to unblock the number", "14"
    ),
    "1282": MessagesError("Message blocked by provider", "the provider blocks this content: change it"),
    "1290": MessagesError("Prepaid insufficient funds", "the user's prepaid credit is used up", "15"),
    "1300": MessagesError("Not part of the provider network", "the recipient does not use this channel"),
    "1310": MessagesError("Not suitable device", "the user's device can't receive the message"),
    "1320": MessagesError("Message already sent", "do not send the same message twice"),
    "1330": MessagesError("Unknown", "the carrier gave no reason: check the number in `to`", "1"),
    "1331": MessagesError("Provider error", _RETRY_SOON),
    "1340": MessagesError(
        "Outside of the allowed window", "the user must write first: the time for an answer is over"
    ),
    "1350": MessagesError("Phone matching fee not paid", "the Facebook page must pay for phone matching"),
    "1360": MessagesError(
        "TTL was activated", "the message expired: raise `ttl`, or send again if it still makes sense"
    ),
    "1370": MessagesError("Expired access token", _FACEBOOK),
    "1380": MessagesError("Invalid resource", f"{_MEDIA}: its URL must be public"),
    "1381": MessagesError("Resource size is too large", "send a smaller file"),
    "1382": MessagesError("Resource type is invalid", _MEDIA),
    "1400": MessagesError("Unsupported channel", "check `channel`"),
    "1410": MessagesError("Invalid channel parameters", _PARAMETERS),
    "1420": MessagesError("Invalid sender", "check `from`: it must fit the channel"),
    "1430": MessagesError("Invalid recipient", "check `to`: it must fit the channel"),
    "1440": MessagesError("Invalid message type", "check `message_type`: it must fit the channel"),
    "1450": MessagesError("Invalid client reference", "`client_ref` has at most 100 characters"),
    "1451": MessagesError("Invalid context", "the message that you answer is no longer available"),
    "1460": MessagesError(
        "Daily message limit exceeded", "send the rest tomorrow, and check the rules of 10DLC"
    ),
    "1461": MessagesError(
        "Auto-limiting of messages by provider", "the user got too many messages: send fewer"
    ),
    "1470": MessagesError("Fraud Defender traffic rule", _FRAUD),
    "1472": MessagesError("Fraud Defender SMS burst protection", _FRAUD),
    "1473": MessagesError("Fraud Defender AIT protection", _FRAUD),
    "1480": MessagesError("Entity filter", "check the `entity_id` that you send", "50"),
    "1481": MessagesError("Header filter", "check that the sender in `from` is registered", "51"),
    "1482": MessagesError("Content filter", "check the `content_id` that you send", "52"),
    "1483": MessagesError("Consent filter", "the user gave no consent for this content", "53"),
    "1484": MessagesError(
        "Regulation error", "a rule of the country forbids it: check its regulations", "54"
    ),
}

UNKNOWN_ERROR = "1330"
EXPIRED_ERROR = "1360"

_NUMBERS = {error.err_code: number for number, error in ERRORS.items() if error.err_code}


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
