"""The inspector's row of a webhook beside receipts."""

import json
from datetime import UTC, datetime

from devkit.fixture.format import Fixture
from devkit.inspector.row import make_row
from devkit.webhook.jwt import make_token
from devkit.webhook.new_webhook import compose_messages, make_inbound_fields, make_status_fields

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
UUID = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"
SECRET = "devkit-signature-secret-of-32-bytes!"


def test_a_row_holds_what_the_webhook_says_and_the_verdict_on_its_token() -> None:
    fields = make_status_fields("rejected", message_uuid=UUID, timestamp=NOON, error="1240", client_ref="r1")
    body = json.dumps(fields).encode()
    token = make_token(body, SECRET, api_key="abcd1234", now=NOON, jti=UUID)
    fixture = Fixture(NOON, compose_messages(body, token))

    row = make_row("key", fixture, SECRET, "md5hash")

    assert (row.message_id, row.status, row.err_code) == (UUID, "rejected", "1240")
    assert (row.msisdn, row.sender, row.client_ref) == ("447700900000", "AcmeInc", "r1")
    assert (row.signature, row.problem) == ("valid", "")
    assert make_row("key", fixture, "another", "md5hash").signature == "invalid"


def test_the_row_of_an_inbound_message_has_its_sender() -> None:
    body = json.dumps(make_inbound_fields("Hi", message_uuid=UUID, timestamp=NOON)).encode()
    row = make_row("key", Fixture(NOON, compose_messages(body)), "", "md5hash")

    assert (row.status, row.sender, row.msisdn) == ("inbound", "447700900001", "447700900000")
    assert row.signature == "absent"
