"""Recordings of webhooks beside the receipt that hold private values, and these values, for the tests of redaction."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from hypothesis import strategies as st

from devkit.fixture.format import Fixture
from devkit.webhook.callback import compose, json_body
from devkit.webhook.jwt import make_token, payload_hash
from devkit.webhook.new_webhook import (
    MessagesVersion,
    TextPart,
    compose_messages,
    make_inbound_fields,
    make_sms_inbound_fields,
    make_status_fields,
)
from tests.support.private_recordings import ACCOUNT_SECRET, escaped_json, numbers, references

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
UUID = "c6a0e0b9-a1ea-49bb-b618-4f15d6612f6e"
JTI = "d2a7be55-1b1f-4d37-9bb2-8aee14a0c1f7"
APPLICATION = "78d335fa-323d-4114-9c3d-d6f0d48968cf"
PERSON = "0987654321098"  # can't be dialled: country codes never begin with 0
API_KEY = "deadbe42"
TUNNEL = "a1b2.tunnel.internal"
TARGET = "/webhooks/delivery-receipt/s3cr3t-t0ken"


@dataclass(frozen=True)
class PrivateWebhook:
    """private: what must not be left."""

    fixture: Fixture
    private: tuple[str, ...]


def recorded(fields: Mapping[str, object], *, secret: str = ACCOUNT_SECRET, body: bytes = b"") -> Fixture:
    """A webhook as it was recorded, with a valid token. body: the fields in another spelling."""
    body = body or json_body(fields)
    token = make_token(body, secret, api_key=API_KEY, application_id=APPLICATION, now=WHEN, jti=JTI)
    return Fixture(WHEN, compose_messages(body, token, target=TARGET, host=TUNNEL), signature="valid")


def sms_inbound(text: str, **more: str) -> dict[str, object]:
    fields = make_sms_inbound_fields(text, message_id="28000000054225B9", pushed_at=WHEN, sender=PERSON)
    return {**fields, "api-key": API_KEY, **more}


texts = references.map(lambda text: f"Qi{text}")
uuids = st.uuids(version=4).map(str)


@st.composite
def private_webhooks(draw: st.DrawFn, api: str = "") -> PrivateWebhook:
    person, own, text, reference = draw(numbers), draw(numbers), draw(texts), draw(references)
    uuid = draw(uuids)
    api = api or draw(st.sampled_from(["messages", "messages", "sms"]))
    if api == "sms":
        return _sms(draw, person, own, text)
    kind = draw(st.sampled_from(["status", "inbound", "whatsapp"]))
    version: MessagesVersion = draw(st.sampled_from(["v1", "v0.1"]))
    if kind == "status":
        from_name = draw(st.booleans())
        fields = make_status_fields(
            draw(st.sampled_from(["submitted", "rejected", "read"])),
            message_uuid=uuid,
            timestamp=WHEN,
            recipient=person,
            sender="AcmeInc" if from_name else own,
            error=draw(st.sampled_from(["", "1240", "1360"])),
            client_ref=reference,
            network_code="23410",
            parts=2,
            version=version,
        )
        private = [person, uuid, uuid.replace("-", ""), reference]  # the third is in `error.instance`
        private += [] if from_name else [own]
    else:
        fields = make_inbound_fields(
            text, message_uuid=uuid, timestamp=WHEN, recipient=own, sender=person, version=version
        )
        private = [person, own, uuid, text]
        if kind == "whatsapp":
            name = draw(texts)
            fields |= {"channel": "whatsapp", "profile": {"name": name}, "image": {"caption": f"{name} too"}}
            private += [name]
    body = spelt(draw, fields)
    fixture = recorded(fields, body=body)
    token = (fixture.callback.header("Authorization") or "").split(".")[1:]
    private += [API_KEY, JTI, APPLICATION, TUNNEL, "s3cr3t-t0ken", payload_hash(body), *token]
    return PrivateWebhook(fixture, tuple(private))


def _sms(draw: st.DrawFn, person: str, own: str, text: str) -> PrivateWebhook:
    message_id = draw(st.text("0123456789ABCDEF", min_size=11, max_size=14).map(lambda text: f"D9E{text}"))
    fields = make_sms_inbound_fields(
        text,
        message_id=message_id,
        pushed_at=WHEN,
        recipient=own,
        sender=person,
        part=draw(st.none() | st.just(TextPart("222", 3, 2))),
        api_key=API_KEY,
    )
    callback = compose(fields, draw(st.sampled_from(["get", "form", "json"])), target=TARGET, host=TUNNEL)
    private = (person, own, text, message_id, API_KEY, TUNNEL, "s3cr3t-t0ken")
    return PrivateWebhook(Fixture(WHEN, callback, signature="absent"), private)


def spelt(draw: st.DrawFn, value: object) -> bytes:
    """JSON with any white space, and any string escaped or not."""
    space = draw(st.sampled_from(["", " ", "\n\t"]))

    def written(value: object) -> str:
        if isinstance(value, Mapping):
            pairs = (f"{escaped_json(draw, name)}{space}:{written(inner)}" for name, inner in value.items())
            return f"{{{space}{f',{space}'.join(pairs)}{space}}}"
        return escaped_json(draw, value) if isinstance(value, str) else json.dumps(value)

    return written(value).encode()
