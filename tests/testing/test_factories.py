"""Receipts, statuses and inbound messages that a test makes."""

import pytest

from devkit.errors import UsageError
from devkit.testing import (
    TextPart,
    make_inbound,
    make_receipt,
    make_status,
    with_fields,
)
from devkit.webhook.callback import TRANSPORTS

MESSAGE = "3c7e09b1-5a4d-4f68-8a00-00001234567b"


@pytest.mark.parametrize("via", TRANSPORTS)
def test_made_receipt_has_the_given_fields(via):
    receipt = make_receipt("failed", via, err_code="9", client_ref="order-1")

    assert (receipt.status, receipt.err_code, receipt.client_ref) == ("failed", "9", "order-1")
    assert receipt.via == via
    assert receipt.message_id == MESSAGE
    assert receipt.problem == ""


def test_made_fields_have_the_order_of_captured_ones():
    receipt = make_receipt(client_ref="order-1", fields={"new": "1"})

    assert list(receipt.fields) == [
        *("msisdn", "to", "network-code", "messageId", "price", "status", "scts", "err-code"),
        *("client-ref", "api-key", "message-timestamp", "new"),
    ]


def test_an_id_of_the_older_form_is_made_on_demand():
    assert make_receipt(id_style="hex").message_id == "0A0000001234567B"


def test_a_chosen_id_overrides_a_style():
    assert make_receipt(message_id="mine", id_style="hex").message_id == "mine"


def test_an_unknown_style_of_ids_is_refused():
    with pytest.raises(ValueError, match="id_style='int' is none of uuid, hex"):
        make_receipt(id_style="int")  # type: ignore[arg-type]


def test_made_receipts_are_the_same_each_time():
    assert make_receipt("delivered") == make_receipt("delivered")


@pytest.mark.parametrize(
    ("status", "err_code"), [("accepted", "0"), ("delivered", "0"), ("failed", "1"), ("odd", "1")]
)
def test_err_code_fits_the_status(status, err_code):
    assert make_receipt(status).err_code == err_code


def test_unknown_keyword_is_named_with_the_known_ones():
    with pytest.raises(TypeError, match=r"'error_code' is no field .* err_code, .* fields=\{\.\.\.\}"):
        make_receipt("failed", error_code="9")


@pytest.mark.parametrize(
    ("word", "transport"), [("GET", "get"), ("Post", "form"), ("POST-JSON", "json"), ("post-json", "json")]
)
def test_dashboard_words_are_understood(word, transport):
    assert make_receipt("failed", word).via == transport


def test_unknown_via_is_refused():
    with pytest.raises(ValueError, match=r"'put' is no transport; there are get, form, json .*POST-JSON"):
        make_receipt("failed", "put")


def test_none_leaves_a_field_out():
    assert "scts" not in make_receipt(scts=None).fields
    assert "scts" not in with_fields(make_receipt(), scts=None).fields
    assert "network-code" not in make_receipt(fields={"network-code": None}).fields


def test_json_values_keep_their_types():
    assert make_receipt(via="json", fields={"err-code": 9}).fields["err-code"] == 9


def test_a_made_status_is_equal_in_each_run_and_as_vonage_sends_it() -> None:
    status = make_status("rejected", error="1240", client_ref="order-7", fields={"sms": {"count_total": "2"}})

    assert status == make_status(
        "rejected", error="1240", client_ref="order-7", fields={"sms": {"count_total": "2"}}
    )
    assert (status.kind, status.status, status.err_code) == ("messages-status", "rejected", "1240")
    assert (status.client_ref, status.via, status.name) == ("order-7", "json", "rejected")
    assert list(status.fields) == [
        *("to", "from", "channel", "message_uuid", "timestamp", "status", "error", "sms", "client_ref")
    ]
    assert status.callback.header("Authorization") is None


def test_fields_of_a_status_have_python_names_or_the_vendor_s() -> None:
    changed = make_status(from_="Other", message_uuid="a-1", channel=None, fields={"error.title": 1240})

    assert (changed.fields["from"], changed.message_id) == ("Other", "a-1")
    assert changed.fields["error"] == {"title": 1240}
    assert "channel" not in changed.fields
    with pytest.raises(
        TypeError, match=r"'msisdn' is no field of the kind messages-status; there are to, from_"
    ):
        make_status(msisdn="447700900001")
    with pytest.raises(TypeError, match="'to_' is no field of the kind messages-status"):
        with_fields(changed, to_="447700900001")
    with pytest.raises(UsageError, match="to is not an object, so it has no field number"):
        make_status(fields={"to.number": "447700900001"})


def test_statuses_of_the_older_version_have_objects() -> None:
    status = make_status("delivered", version="v0.1")

    assert status.fields["to"] == {"type": "sms", "number": "447700900000"}
    assert status.kind == "messages-status"


def test_inbound_messages_of_both_apis_are_made() -> None:
    sms = make_inbound("STOP now", via="POST", part=TextPart("222", 3, 1), keyword=None)
    messages = make_inbound("STOP now", "messages", fields={"sms.keyword": "STOP"})

    assert (sms.kind, sms.via, sms.fields["concat-part"]) == ("sms-inbound", "form", "1")
    assert "keyword" not in sms.fields
    assert messages.kind == "messages-inbound"
    assert messages.fields["sms"] == {"num_messages": "1", "keyword": "STOP"}
    with pytest.raises(TypeError, match="'err_code' is no field of the kind sms-inbound"):
        make_inbound(err_code="1")


def test_a_version_or_api_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"version is 'v1\.0'; use one of: v1, v0\.1"):
        make_status(version="v1.0")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="api is 'message'; use one of: sms, messages"):
        make_inbound(api="message")  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [make_receipt, make_status])
def test_a_status_is_not_silently_an_inbound_message(make) -> None:
    with pytest.raises(ValueError, match="'inbound' is no status; use make_inbound"):
        make("inbound")
