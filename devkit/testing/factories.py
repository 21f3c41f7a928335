"""Makes receipts, statuses and inbound messages in a test, equal in each run."""

from collections.abc import Mapping, Sequence
from typing import get_args

from devkit.replay.new_callback import Api, NewWebhook, Origin
from devkit.testing.fields import read_changes
from devkit.testing.sample_webhook import MOMENT, SampleWebhook
from devkit.testing.signing import NONCE
from devkit.webhook.new_webhook import MESSAGES_VERSIONS, MessagesVersion, TextPart
from devkit.webhook.receipt import IdStyle, make_message_id
from devkit.webhook.vocabulary import INBOUND, parse_transport

_ORIGIN = Origin(MOMENT, 0x3C7E09B15A4D2F680A0000001234567B, NONCE)
_HOST = "dlr.example.com"


def make_receipt(
    status: str = "delivered",
    via: str = "get",
    *,
    fields: Mapping[str, object] | None = None,
    id_style: IdStyle = "uuid",
    **named: object,
) -> SampleWebhook:
    """A receipt as Vonage would send it, equal in each run.

    via: the transport, `get`, `form` or `json`; the dashboard's GET, POST and POST-JSON work too.
    id_style: of its message id, `hex` for the 16 characters of before 2022.
    named: fields by their Python names, such as err_code, message_id, client_ref. fields: by the vendor's
    names, or any other names. None removes a field.
    The err-code is 0 for accepted, buffered and delivered, and 1 (unknown) for any other status.
    Raises TypeError for an unknown name, ValueError for an unknown `via` or id_style, and for the status `inbound`.
    """
    _check_status(status)
    sets, unsets = read_changes("sms-receipt", fields, named)
    message_id = make_message_id(_ORIGIN.number, id_style)
    return _made(NewWebhook(status, sets={"messageId": message_id, **sets}, unsets=unsets), via)


def make_status(
    status: str = "delivered",
    *,
    error: str = "",
    version: MessagesVersion = "v1",
    fields: Mapping[str, object] | None = None,
    **named: object,
) -> SampleWebhook:
    """A status of the Messages API as Vonage would send it, equal in each run. It has no token: see `resign`.

    error: its number; 1330 (unknown) by default for `rejected`.
    named: fields by their Python names, such as message_uuid, to, from_, client_ref. fields: by the vendor's names,
    inside objects too: {"error.title": 1240, "sms": {"count_total": "2"}}. None removes a field.
    Raises TypeError for an unknown name, ValueError for another version and for the status `inbound`, UsageError for a
    field inside a value that is no object.
    """
    _check_status(status)
    _check("version", version, MESSAGES_VERSIONS)
    changes = read_changes("messages-status", fields, named)
    return _made(NewWebhook(status, error, *changes, api="messages", version=version))


def make_inbound(
    text: str = "Hello",
    api: Api = "sms",
    *,
    via: str = "get",
    part: TextPart | None = None,
    version: MessagesVersion = "v1",
    fields: Mapping[str, object] | None = None,
    **named: object,
) -> SampleWebhook:
    """An inbound message as Vonage would send it, equal in each run. Names and errors as for `make_status`.

    api: `sms` or `messages`. via, part: of the SMS API; the transport, and which part of a long text it is.
    version: of the Messages API.
    Raises ValueError for an unknown `via`, `api` or `version`.
    """
    _check("api", api, get_args(Api))
    _check("version", version, MESSAGES_VERSIONS)
    changes = read_changes(f"{api}-inbound", fields, named)
    return _made(NewWebhook(INBOUND, "", *changes, api, text, version, part), via)


def _made(new: NewWebhook, via: str = "get") -> SampleWebhook:
    return SampleWebhook(new.callback(_ORIGIN, parse_transport(via), host=_HOST), name=new.status)


def _check_status(status: str) -> None:
    if status == INBOUND:
        raise ValueError(f"{status!r} is no status; use make_inbound")


def _check(name: str, value: object, allowed: Sequence[str]) -> None:
    """Raise ValueError for another value, which would silently make another webhook than the test is about."""
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; use one of: {', '.join(allowed)}")
