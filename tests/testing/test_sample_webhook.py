import json
from dataclasses import replace
from datetime import UTC, datetime
from keyword import iskeyword

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vonage_http_client import Auth

from devkit.testing import (
    Fields,
    SampleWebhook,
    make_receipt,
    make_status,
    resign,
    verify_webhook,
    with_fields,
)
from devkit.testing.fields import VENDOR_NAMES
from devkit.testing.signing import resigned_if_valid
from devkit.webhook.callback import TRANSPORTS, Callback, compose
from devkit.webhook.jwt import make_token
from devkit.webhook.signature import METHODS, verify
from devkit.webhook.vocabulary import FIELDS

MESSAGE = "3c7e09b1-5a4d-4f68-8a00-00001234567b"
NUMBERS = st.integers(447700900000, 447700900999).map(str)
ARRAY = SampleWebhook(compose({"status": "delivered"}, "json"), name="array")
ARRAY = SampleWebhook(Callback("POST", "/", ARRAY.callback.headers, b"[{}]"), name="array")


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
        make_receipt(id_style="int")


def test_made_receipts_are_the_same_each_time():
    assert make_receipt("delivered") == make_receipt("delivered")


@pytest.mark.parametrize(
    ("status", "err_code"), [("accepted", "0"), ("delivered", "0"), ("failed", "1"), ("odd", "1")]
)
def test_err_code_fits_the_status(status, err_code):
    assert make_receipt(status).err_code == err_code


def test_every_field_has_a_python_name():
    names = VENDOR_NAMES["sms-receipt"]
    assert set(FIELDS) == set(names.values())
    assert all(name.isidentifier() and not iskeyword(name) for each in VENDOR_NAMES.values() for name in each)
    assert names["message_id"] == "messageId"
    assert names["message_timestamp"] == "message-timestamp"


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


def test_fields_are_read_only_and_equal_to_a_dict():
    fields = make_receipt().fields

    assert fields == dict(fields)
    assert isinstance(fields, Fields)
    with pytest.raises(TypeError):
        fields["status"] = "failed"  # type: ignore[index]


def test_change_leaves_null_that_it_does_not_touch():
    receipt = SampleWebhook(compose({"messageId": "a", "status": "failed", "scts": None, "to": "b"}, "json"))

    assert with_fields(receipt, to=None).fields == {"messageId": "a", "status": "failed", "scts": None}


@given(
    NUMBERS,
    st.sampled_from(["msisdn", "to", "status", "client_ref", "sig", "new", "name"]),
    st.sampled_from(TRANSPORTS),
)
def test_a_repr_never_shows_a_number(number, name, via):
    text = f"call {number} or +{number}"
    receipt = make_receipt(
        via=via, fields={"msisdn": number, "to": number, VENDOR_NAMES["sms-receipt"].get(name, name): text}
    )
    receipt = replace(receipt, name=text)

    shown = repr(receipt) + repr([receipt]) + str(receipt.fields) + repr(receipt.callback)

    assert number not in shown


def test_a_repr_shows_what_a_failed_test_needs():
    assert repr(make_receipt("failed", "json", err_code="9")) == (
        f"<SampleWebhook failed: failed err-code=9 messageId={MESSAGE} via json>"
    )
    assert "a JSON array" in repr(ARRAY)


def test_unreadable_callback_has_a_problem_and_no_fields():
    assert "a JSON array" in ARRAY.problem
    assert (dict(ARRAY.fields), ARRAY.status, ARRAY.err_code, ARRAY.message_id) == ({}, "", "", "")


@pytest.mark.parametrize(
    "change", [lambda: with_fields(ARRAY, status="failed"), lambda: resign(ARRAY, "secret")]
)
def test_unreadable_callback_cannot_be_changed(change):
    with pytest.raises(ValueError, match=r"array holds no receipt\. The body is a JSON array"):
        change()


def test_changing_a_field_keeps_all_other_bytes():
    headers = (("x-odd", "1"), ("Host", "dlr.example.com"), ("x-odd", "2"))
    receipt = SampleWebhook(Callback("GET", "/p?status=delivered&to=%41cme%49nc&messageId=1A", headers))

    changed = with_fields(receipt, status="failed", fields={"new": "a b"})

    assert changed.callback == Callback(
        "GET", "/p?status=failed&to=%41cme%49nc&messageId=1A&new=a+b", headers
    )


@pytest.mark.parametrize("via", ["form", "json"])
def test_changed_body_has_its_own_length(via):
    changed = with_fields(make_receipt(via=via), status="a-status-of-another-length")

    assert changed.callback.header("Content-Length") == str(len(changed.callback.body))


@pytest.mark.parametrize("via", TRANSPORTS)
@pytest.mark.parametrize("method", METHODS)
def test_signed_receipt_is_valid(via, method):
    receipt = resign(make_receipt(via=via), "a-secret", method)

    assert verify(receipt.fields, "a-secret", method) == "valid"
    assert receipt.via == via


def test_signed_receipt_is_valid_for_the_sdk():
    receipt = resign(make_receipt(), "a-secret", "sha256")

    auth = Auth(api_key="abcd1234", signature_secret="a-secret", signature_method="sha256")
    assert auth.check_signature(dict(receipt.fields))


def test_signing_again_follows_a_change():
    signed = resign(make_receipt(), "a-secret")
    forged = with_fields(signed, status="failed")

    assert verify(forged.fields, "a-secret", "md5hash") == "invalid"
    assert verify(resign(forged, "a-secret").fields, "a-secret", "md5hash") == "valid"
    assert resign(forged, "a-secret").fields["nonce"] == signed.fields["nonce"]


def test_now_refreshes_the_times():
    signed = resign(
        resign(make_receipt(), "a-secret"), "a-secret", now=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    )

    assert signed.fields["timestamp"] == "1767323045"
    assert signed.fields["message-timestamp"] == "2026-01-02 03:04:05"
    assert verify(signed.fields, "a-secret", "md5hash") == "valid"


def test_only_a_valid_signature_is_made_anew():
    signed = resign(make_receipt(via="json"), "former", "sha1")
    tampered = with_fields(signed, status="failed")

    anew = resigned_if_valid(signed, "former", "latter", "sha512")

    assert verify(anew.fields, "latter", "sha512") == "valid"
    assert resigned_if_valid(tampered, "former", "latter", "sha512") == tampered
    assert resigned_if_valid(make_receipt(), "former", "latter", "sha512") == make_receipt()
    assert resigned_if_valid(ARRAY, "former", "latter", "sha512") == ARRAY


def test_a_valid_token_is_replaced_only_where_there_is_something_to_sign():
    status, array = resign(make_status(), "former"), Callback("POST", "/", compose({}, "json").headers, b"[]")
    token = make_token(b"[]", "former", api_key="abcd1234", now=datetime.now(UTC), jti="1")
    unreadable = replace(ARRAY, callback=replace(array, headers=(("Authorization", f"Bearer {token}"),)))

    anew = resigned_if_valid(status, "former", "latter", "md5hash").callback
    assert verify_webhook(anew.headers, anew.body, "latter")
    assert verify_webhook(unreadable.callback.headers, b"[]", "former")
    assert resigned_if_valid(unreadable, "former", "latter", "md5hash") == unreadable


def test_fields_can_be_written_as_json():
    assert json.loads(json.dumps(dict(make_receipt().fields)))["status"] == "delivered"
