"""Samples in tests: their fields, how they are shown, and changes to them."""

from dataclasses import replace
from keyword import iskeyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.testing import (
    Fields,
    SampleWebhook,
    make_inbound,
    make_receipt,
    make_status,
    resign,
    with_fields,
)
from devkit.testing.fields import VENDOR_NAMES
from devkit.webhook.callback import TRANSPORTS, Callback, compose
from devkit.webhook.new_webhook import MessagesVersion
from devkit.webhook.vocabulary import FIELDS

MESSAGE = "3c7e09b1-5a4d-4f68-8a00-00001234567b"
NUMBERS = st.integers(447700900000, 447700900999).map(str)
ARRAY = SampleWebhook(Callback("POST", "/", (("Content-Type", "application/json"),), b"[{}]"), name="array")


def test_every_field_has_a_python_name():
    names = VENDOR_NAMES["sms-receipt"]
    assert set(FIELDS) == set(names.values())
    assert all(name.isidentifier() and not iskeyword(name) for each in VENDOR_NAMES.values() for name in each)
    assert names["message_id"] == "messageId"
    assert names["message_timestamp"] == "message-timestamp"


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


@pytest.mark.parametrize("version", ["v1", "v0.1"])
def test_a_repr_has_what_a_failed_test_needs_and_no_number(version: MessagesVersion) -> None:
    status = make_status("rejected", error="1240", version=version, from_="447700900001")

    assert repr(status).startswith("<SampleWebhook rejected: rejected error=1240 message_uuid=3c7e09b1-")
    assert repr(make_inbound()) == "<SampleWebhook inbound: inbound messageId=0A0000001234567B via get>"
    assert "447700900" not in repr(status) + repr(status.fields) + repr(make_inbound().fields)


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
