"""Statuses and inbound messages in a test: make one, and check its token."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import get_args

from devkit.replay.new_callback import PRICE, Api, default_error
from devkit.testing.fields import all_changes
from devkit.testing.receipts import HOST, MESSAGE_NUMBER, MOMENT, SampleWebhook
from devkit.webhook.callback import compose, json_body
from devkit.webhook.jwt import TokenVerdict, verify_token
from devkit.webhook.nested_fields import change_nested
from devkit.webhook.new_webhook import (
    MESSAGES_VERSIONS,
    MessagesVersion,
    TextPart,
    compose_messages,
    make_inbound_fields,
    make_sms_inbound_fields,
    make_status_fields,
)
from devkit.webhook.receipt import make_message_id
from devkit.webhook.vocabulary import parse_transport

_UUID = make_message_id(MESSAGE_NUMBER)


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
    Raises TypeError for an unknown name, ValueError for another version.
    """
    _check("version", version, MESSAGES_VERSIONS)
    default = make_status_fields(
        status,
        message_uuid=_UUID,
        timestamp=MOMENT,
        price=PRICE if status == "submitted" else "",
        error=error or default_error(status),
        version=version,
    )
    return _messages_webhook(default, all_changes("messages-status", fields, named), status)


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
    """An inbound message as Vonage would send it, equal in each run. Names as for `make_status`.

    api: `sms` or `messages`. via, part: of the SMS API; the transport, and which part of a long text it is.
    version: of the Messages API.
    Raises TypeError for an unknown name, ValueError for an unknown `via`, `api` or `version`.
    """
    _check("api", api, get_args(Api))
    _check("version", version, MESSAGES_VERSIONS)
    if api == "messages":
        default = make_inbound_fields(text, message_uuid=_UUID, timestamp=MOMENT, version=version)
        return _messages_webhook(default, all_changes("messages-inbound", fields, named), "inbound")
    hex_id = make_message_id(MESSAGE_NUMBER, "hex")
    made = make_sms_inbound_fields(text, message_id=hex_id, pushed_at=MOMENT, part=part)
    changes = {**made, **all_changes("sms-inbound", fields, named)}
    kept = {name: value for name, value in changes.items() if value is not None}
    return SampleWebhook(compose(kept, parse_transport(via), host=HOST), name="inbound")


def _check(name: str, value: object, allowed: Sequence[str]) -> None:
    """Raise ValueError for another value, which would silently make another webhook than the test is about."""
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; use one of: {', '.join(allowed)}")


def _messages_webhook(
    default: Mapping[str, object], changes: Mapping[str, object], name: str
) -> SampleWebhook:
    removed = [field for field, value in changes.items() if value is None]
    body = change_nested(json_body(default), changes, removed)
    return SampleWebhook(compose_messages(body, host=HOST), name=name)


def verify_webhook(
    headers: Mapping[str, str] | Iterable[tuple[str, str]],
    body: bytes,
    secret: str,
    *,
    now: datetime | None = None,
    any_age: bool = False,
    api_key: str = "",
    application_id: str = "",
) -> TokenVerdict:
    """Whether Vonage made a webhook with a token, for exactly this body, not long ago.

    It checks what the SDKs of Vonage do not: `payload_hash`, `iss` and the age. A clock that is up to a minute behind
    does no harm. The verdict is true only if it is `valid`; its `reason` says in words what is wrong.

    headers: of the request, as a mapping or as pairs. body: its raw bytes, before any parser.
    secret: the account's signature secret. Without one the verdict is `unchecked`.
    now: default the clock. any_age: for a recording, whose token is old.
    api_key, application_id: the account and the application that it must come from.
    Never raises for anything that a request can hold. Raises TypeError for a body that is no bytes.
    """
    if not isinstance(body, bytes):
        raise TypeError(f"The body is {type(body).__name__}; give the raw bytes, such as request.get_data().")
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    at = None if any_age else now or datetime.now(UTC)
    return verify_token(tuple(pairs), body, secret, at, api_key=api_key, application_id=application_id)
