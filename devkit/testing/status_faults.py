"""The fault matrix of Messages API statuses, with their tokens, as cases for one parametrized test."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from devkit.http.address import with_header
from devkit.testing.factories import make_inbound, make_status
from devkit.testing.faults import FaultCase, Make, as_array, make_case, message_ids, select_cases
from devkit.testing.sample_webhook import MOMENT, SampleWebhook, with_callback
from devkit.webhook.jwt import make_token
from devkit.webhook.new_webhook import iso_stamp
from devkit.webhook.signature import NO_ACCOUNT
from devkit.webhook.vocabulary import EXPIRED_ERROR

# Only for a handler that checks tokens: the secret of the tests says so.
TOKEN_FAULTS = (
    "clock-behind",
    "forged-token",
    "token-of-another-body",
    "re-encoded-body",
    "stale-token",
    "without-token",
    "garbage-token",
)

_NO_SIGNATURE = "Bearer eyJhbGciOiJub25lIn0.e30."  # {"alg":"none"} and no claims
_OLD_PAGE = "https://developer.nexmo.com/api-errors/messages-olympus#1240"
_JTI = "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5"


def status_fault_cases(
    *, only: Iterable[str] = (), skip: Iterable[str] = (), secret: str = "", now: datetime | None = None
) -> list[FaultCase]:
    """All cases, or those named in `only`, without those named in `skip`.

    secret: makes the tokens of all statuses, and adds the cases about tokens. now: of the tokens, default the clock.
    Raises ValueError for an unknown name, and for a case about tokens without a secret.
    """
    only = tuple(only)
    needing = [name for name in only if name in TOKEN_FAULTS and not secret]
    if needing:
        raise ValueError(f"{', '.join(needing)}: set a signature secret, such as dlr_signature_secret")
    at = now or datetime.now(UTC)

    def make(*args: str, **named: object) -> SampleWebhook:
        status = make_status(*args, **named)  # type: ignore[arg-type]  # `fields` may be among them
        return _signed(status, secret, at)

    cases = [
        *_sequences(make),
        *_shapes(make),
        *_others(secret, at),
        *(_tokens(secret, at) if secret else ()),
    ]
    return select_cases(cases, only, skip, known=TOKEN_FAULTS)


def _sequences(make: Make) -> Iterator[FaultCase]:
    submitted = make("submitted")
    delivered = make("delivered", timestamp=iso_stamp(MOMENT + timedelta(seconds=1)))
    yield make_case("delivered", submitted, delivered)
    yield make_case("duplicate", delivered, delivered)
    yield make_case("concurrent-duplicate", delivered, delivered, at_once=True)
    yield make_case("reversed", delivered, submitted)
    yield make_case("equal-timestamps", make("delivered"), submitted)
    yield make_case("before-send-returned", submitted, delivered, early=True)
    yield make_case("rejected", submitted, make("rejected", error="1240"))
    yield make_case("expired", submitted, make("rejected", error=EXPIRED_ERROR))
    yield make_case("undeliverable", make("undeliverable"))
    # The documented text of 1220 (handset busy): `submitted` can have an error while the message is tried again.
    yield make_case("submitted-with-error", make("submitted", error="1220"), delivered)


def _shapes(make: Make) -> Iterator[FaultCase]:
    """What documents, SDKs and captures write in different ways."""
    yield make_case(
        "error-as-number", make("rejected", fields={"error.title": 1240, "error.type": _OLD_PAGE})
    )
    yield make_case("nested-error", make("rejected", fields={"error": {"error": {"title": "1240"}}}))
    yield make_case("unknown-error", make("rejected", error="1999"))
    yield make_case("without-error", make("rejected", fields={"error": None}))
    yield make_case(
        "older-version", make("submitted", version="v0.1"), make("rejected", error="1300", version="v0.1")
    )
    spellings = (("workflow_id", "items_number", "items_total"), ("id", "item_number", "total_items"))
    workflows = [dict(zip(names, ("3TcNjguHxr2vcCZ9", "1", "2"), strict=True)) for names in spellings]
    pairs = zip(message_ids(2), workflows, strict=True)
    yield make_case("workflow", *(make("rejected", message_uuid=uuid, workflow=flow) for uuid, flow in pairs))
    yield make_case(
        "parts", make("delivered", sms={"count_total": "2"}, destination={"network_code": "23410"})
    )
    yield make_case("parts-as-number", make("delivered", sms={"total_count": 2}))
    yield make_case("extra-field", make("delivered", fields={"new_field": {"new": [1]}}))
    yield make_case("other-channel", make("read", channel="whatsapp", from_="447700900001"))
    yield make_case("unknown-status", make("undelivered"), final={})


def _others(secret: str, now: datetime) -> Iterator[FaultCase]:
    """What can arrive at the same URL beside statuses."""
    yield make_case("inbound-message", _signed(make_inbound("Hello", "messages"), secret, now), final={})
    array = _signed(as_array(make_status("delivered")), secret, now)
    yield make_case("json-array", array, final={}, refusable=True)


def _tokens(secret: str, now: datetime) -> Iterator[FaultCase]:
    submitted, delivered = make_status("submitted"), make_status("delivered")
    genuine = _signed(delivered, secret, now)
    # This machine's clock is 30 s behind. `verify_signature` of the SDK raises for it.
    yield make_case("clock-behind", _signed(delivered, secret, now + timedelta(seconds=30)))
    # The body of a proxy that reads JSON and writes it again: other bytes, the same fields.
    again = json.dumps(json.loads(delivered.callback.body)).encode()
    forgeries = {
        "forged-token": _signed(delivered, f"not {secret}", now),
        "token-of-another-body": _signed(delivered, secret, now, body=submitted.callback.body),
        "re-encoded-body": with_callback(genuine, replace(genuine.callback, body=again)),
        "stale-token": _signed(delivered, secret, now - timedelta(days=30)),
        "without-token": delivered,
        "garbage-token": _with_authorization(delivered, _NO_SIGNATURE),
    }
    for name, forgery in forgeries.items():
        receipts = _signed(submitted, secret, now), forgery
        yield make_case(name, *receipts, final={submitted.message_id: "submitted"}, forged=True)


def _signed(status: SampleWebhook, secret: str, now: datetime, *, body: bytes = b"") -> SampleWebhook:
    """The status with a token if there is a secret. body: of which the token is, by default the status's own."""
    if not secret:
        return status
    token = make_token(body or status.callback.body, secret, api_key=NO_ACCOUNT, now=now, jti=_JTI)
    return _with_authorization(status, f"Bearer {token}")


def _with_authorization(status: SampleWebhook, value: str) -> SampleWebhook:
    headers = with_header(status.callback.headers, "Authorization", value)
    return replace(status, callback=replace(status.callback, headers=headers))
