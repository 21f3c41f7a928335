"""The application handles the webhooks that Vonage sends, with devkit's pytest plugin."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from app import create_app
from message import Messages

from devkit.testing import METHODS, deliver, deliver_all, resign, with_fields

PATH = "/webhooks/dlr"
OTHER_UUID = "bbbbbbbb-cccc-4ddd-8eee-0123456789ab"
SECRET = "only-for-tests-and-32-bytes-long"


@pytest.fixture
def environ(tmp_path):
    return {"DATABASE": str(tmp_path / "messages.sqlite")}


@pytest.fixture
def app(environ):
    return create_app(environ)


@pytest.fixture
def messages(environ):
    """The messages, as the part of the application that sends SMS uses them."""
    return Messages(Path(environ["DATABASE"]))


def signed_app(environ, method="sha256"):
    return create_app({**environ, "VONAGE_SIGNATURE_SECRET": SECRET, "VONAGE_SIGNATURE_METHOD": method})


def overview(app):
    return {shown["message_id"]: shown for shown in app.test_client().get("/messages").json}


@pytest.mark.dlr("delivered*", "failed-*", "rejected-*", "expired*", "accepted*", "buffered*", "unknown*")
def test_status_and_reason_are_kept(dlr_receipt, app):
    assert deliver(dlr_receipt, app, path=PATH).status_code == 200

    shown = overview(app)[dlr_receipt.message_id]
    assert (shown["status"], shown["err_code"]) == (dlr_receipt.status, dlr_receipt.err_code)
    assert shown["final"] == (dlr_receipt.status not in ("accepted", "buffered", "undelivered"))


@pytest.mark.dlr_faults
def test_last_word_counts(dlr_fault, app, messages):
    dlr_fault.deliver(app, path=PATH, sent=messages.sent)

    shown = overview(app)
    assert {message_id: shown[message_id]["status"] for message_id in dlr_fault.final} == dlr_fault.final


@pytest.mark.dlr_status_faults
def test_last_status_counts(dlr_fault, environ, messages):
    app = signed_app(environ)
    dlr_fault.deliver(app, path=PATH, sent=messages.sent)

    shown = overview(app)
    assert {message_id: shown[message_id]["status"] for message_id in dlr_fault.final} == dlr_fault.final


@pytest.mark.parametrize("version", ["v1", "v0.1"])
def test_error_of_a_status_is_kept(make_dlr_status, app, version):
    status = make_dlr_status("rejected", error="1240", version=version)
    deliver(status, app, path=PATH)

    assert overview(app)[status.message_id]["err_code"] == "1240"


@pytest.mark.parametrize("api", ["sms", "messages"])
def test_inbound_message_is_no_status(make_dlr_inbound, environ, messages, api):
    assert deliver(make_dlr_inbound("Stop it", api=api), signed_app(environ), path=PATH).status_code == 200

    assert overview(create_app(environ)) == {}
    assert messages.opted_out() == []


@pytest.mark.dlr("inbound-*-stop")
def test_stop_is_followed(dlr_receipt, app, messages):
    deliver(dlr_receipt, app, path=PATH)

    assert messages.opted_out() == ["447700900001"]


@pytest.mark.parametrize("version", ["v1", "v0.1"])
def test_start_counts_although_the_stop_before_it_arrives_again(make_dlr_inbound, app, messages, version):
    stop = make_dlr_inbound(" stop ", api="messages", version=version)
    start = make_dlr_inbound("START", api="messages", version=version, message_uuid=OTHER_UUID)

    deliver(stop, app, path=PATH)
    assert app.test_client().get("/opted-out").json == ["447700900001"]
    for inbound in (start, stop):
        deliver(inbound, app, path=PATH)
    assert messages.opted_out() == []


def test_forged_stop_is_refused(make_dlr_inbound, environ, messages):
    for api in ("sms", "messages"):
        forged = with_fields(make_dlr_inbound("Hello", api=api), text="STOP")
        assert deliver(forged, signed_app(environ), path=PATH).status_code == 401

    assert messages.opted_out() == []


@pytest.mark.dlr("token-*")
def test_only_a_status_with_a_valid_token_is_stored(dlr_receipt, environ):
    # The secret is that of the samples, whose tokens are old: signed again, valid ones are of now.
    is_valid = dlr_receipt.name in ("token-valid", "token-without-application", "token-stale")
    webhook = resign(dlr_receipt, SECRET, now=datetime.now(UTC)) if is_valid else dlr_receipt

    assert deliver(webhook, signed_app(environ), path=PATH).status_code == (200 if is_valid else 401)
    assert bool(overview(create_app(environ))) == is_valid


@pytest.mark.dlr("*", "sequence/**")
def test_nothing_that_vonage_sends_breaks_it(dlr_receipt, app):
    assert deliver(dlr_receipt, app, path=PATH).status_code == 200


@pytest.mark.parametrize("secret", ["", SECRET])
def test_lone_surrogate_breaks_nothing(environ, secret):
    app = create_app({**environ, "VONAGE_SIGNATURE_SECRET": secret})
    body = rb'{"messageId": "0A0000001234567B", "status": "\ud800", "sig": "\ud800"}'

    response = app.test_client().post(PATH, data=body, content_type="application/json")

    assert response.status_code == (401 if secret else 200)


def test_receipt_that_comes_twice_is_kept_once(make_dlr_receipt, app):
    deliver_all([make_dlr_receipt("accepted"), make_dlr_receipt("delivered")], app, path=PATH, duplicate=3)

    (shown,) = overview(app).values()
    assert shown["history"] == ["accepted", "delivered"]


def test_history_is_in_the_order_of_arrival(make_dlr_receipt, app):
    deliver_all([make_dlr_receipt("delivered"), make_dlr_receipt("accepted")], app, path=PATH)

    (shown,) = overview(app).values()
    assert (shown["status"], shown["history"]) == ("delivered", ["delivered", "accepted"])


def test_message_without_a_receipt_is_shown_as_sent(app, messages):
    messages.sent("0A0000001234567B")

    assert overview(app)["0A0000001234567B"]["status"] == "sent"


def test_messages_outlive_the_application(make_dlr_receipt, environ, app):
    receipt = make_dlr_receipt("delivered")
    deliver(receipt, app, path=PATH)

    assert overview(create_app(environ))[receipt.message_id]["status"] == "delivered"


@pytest.mark.parametrize("method", ["get", "post", "head"])
def test_probe_gets_exactly_200(environ, method):
    for app in (create_app(environ), signed_app(environ)):
        assert app.test_client().open(PATH, method=method).status_code == 200


@pytest.mark.parametrize("method", METHODS)
def test_signed_receipt_is_taken(make_dlr_receipt, environ, method):
    receipt = resign(make_dlr_receipt("delivered", client_ref="a&b=c"), SECRET, method)

    assert deliver(receipt, signed_app(environ, method), path=PATH).status_code == 200


@pytest.mark.parametrize("via", ["get", "form", "json"])
def test_forged_receipt_is_refused(make_dlr_receipt, environ, via):
    app = signed_app(environ)

    assert (
        deliver(with_fields(make_dlr_receipt("failed", via), status="delivered"), app, path=PATH).status_code
        == 401
    )
    assert deliver(make_dlr_receipt("delivered", via, signed=False), app, path=PATH).status_code == 401
    assert overview(app) == {}


@pytest.mark.dlr(
    "signed-tampered", "signed-truncated", "signed-wrong-secret", "signed-non-ascii", "signed-empty"
)
def test_forged_sample_is_refused(dlr_receipt, environ):
    assert deliver(dlr_receipt, signed_app(environ), path=PATH).status_code == 401
