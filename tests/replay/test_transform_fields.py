import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.errors import FixtureError
from devkit.replay.transform import convert, set_fields
from devkit.webhook.callback import TRANSPORTS, Callback, Transport, compose
from devkit.webhook.receipt import Receipt, read
from tests.support.strategies import receipt_fields

FIELDS = {"msisdn": "447700900001", "to": "Acme & Söhne", "status": "delivered", "err-code": "0"}
JSON_TYPE = (("Content-Type", "application/json"),)


def fields_of(callback: Callback) -> dict[str, object]:
    reading = read(callback)
    assert isinstance(reading, Receipt), reading
    return dict(reading.fields)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_field_is_set_in_its_place(transport: Transport) -> None:
    changed = set_fields(compose(FIELDS, transport), {"status": "a b&c=d/ü"})

    assert list(fields_of(changed).items()) == list({**FIELDS, "status": "a b&c=d/ü"}.items())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_new_field_goes_to_the_end(transport: Transport) -> None:
    changed = set_fields(compose(FIELDS, transport), {"client-ref": "r 1"})

    assert list(fields_of(changed).items()) == [*FIELDS.items(), ("client-ref", "r 1")]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_field_is_removed(transport: Transport) -> None:
    changed = set_fields(compose(FIELDS, transport), {}, {"to"})

    assert list(fields_of(changed)) == ["msisdn", "status", "err-code"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_removing_a_missing_field_changes_nothing(transport: Transport) -> None:
    callback = compose(FIELDS, transport)

    assert set_fields(callback, {}, {"nonce"}) == callback


def test_the_rest_of_a_query_keeps_its_spelling() -> None:
    callback = Callback("GET", "/dlr?a=%7e&&%73tatus=x&b&c=%zz;\xff&=&")

    changed = set_fields(callback, {"status": "failed"})

    assert changed.target == "/dlr?a=%7e&&%73tatus=failed&b&c=%zz;\xff&=&"
    assert set_fields(callback, {}, {"status"}).target == "/dlr?a=%7e&&b&c=%zz;\xff&=&"


def test_the_rest_of_a_form_keeps_its_bytes() -> None:
    callback = Callback("POST", "/dlr", (), b"a=\xff\xfe&status=x&b=%2B+")

    assert set_fields(callback, {"status": "failed"}).body == b"a=\xff\xfe&status=failed&b=%2B+"


def test_of_a_repeated_field_one_is_left() -> None:
    callback = Callback("GET", "/?status=a&to=x&status=b")

    assert set_fields(callback, {"status": "c"}).target == "/?status=c&to=x"
    assert set_fields(callback, {}, {"status"}).target == "/?to=x"


def test_a_name_is_found_however_it_is_spelled() -> None:
    assert set_fields(Callback("GET", "/?a+b=1&c%C3%A9=2"), {"a b": "3"}).target == "/?a+b=3&c%C3%A9=2"
    assert set_fields(Callback("GET", "/?a=1&c%C3%A9=2"), {"cé": "3"}).target == "/?a=1&c%C3%A9=3"


def test_a_query_can_be_added_and_removed() -> None:
    assert set_fields(Callback("GET", "/dlr"), {"status": "x"}).target == "/dlr?status=x"
    assert set_fields(Callback("GET", "/dlr?status=x"), {}, {"status"}).target == "/dlr"


def test_the_rest_of_a_json_body_keeps_its_bytes() -> None:
    body = '{"z": 1.50, "status": "x", "price": 5E-1,\n "deep": {"b": [true, null], "a": "\\u00e9é"}}'
    callback = Callback("POST", "/", JSON_TYPE, body.encode())

    assert set_fields(callback, {"status": "y"}).body == body.replace('"x"', '"y"').encode()
    assert set_fields(callback, {"new": "y"}).body == body.replace("}}", '},\n "new": "y"}').encode()
    assert set_fields(callback, {}, {"status"}).body == body.replace('"status": "x", ', "").encode()
    assert set_fields(callback, {}, {"deep"}).body == b'{"z": 1.50, "status": "x", "price": 5E-1}'


def test_a_byte_order_mark_stays() -> None:
    callback = Callback("POST", "/", JSON_TYPE, b'\xef\xbb\xbf{"status":"x"}')

    assert set_fields(callback, {"status": "y"}).body == b'\xef\xbb\xbf{"status":"y"}'


def test_json_that_is_not_changed_keeps_its_bytes() -> None:
    callback = Callback("POST", "/", JSON_TYPE, b'{ "status" : "x" }')

    assert set_fields(callback, {"status": "x"}) == callback


def test_repeated_json_names_stay_repeated() -> None:
    callback = Callback("POST", "/", JSON_TYPE, b'{"to":"a","to":"b","status":"x","status":"y"}')

    assert set_fields(callback, {"status": "z"}).body == b'{"to":"a","to":"b","status":"z"}'


def test_half_a_surrogate_pair_stays_an_escape() -> None:
    callback = Callback("POST", "/", JSON_TYPE, b'{"to":"\\ud800","status":"x"}')

    assert set_fields(callback, {"status": "y"}).body == b'{"to":"\\ud800","status":"y"}'


@pytest.mark.parametrize(
    "body",
    [
        b"[1]",
        b"{",
        b'{"a":\xff}',
        b"1",
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"{" + b"9" * 5000,
    ],
)
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(FixtureError, match="not a JSON object"):
        set_fields(Callback("POST", "/", JSON_TYPE, body), {"status": "x"})


def test_a_multipart_body_is_refused() -> None:
    callback = Callback("POST", "/", (("Content-Type", "multipart/form-data; boundary=x"),), b"--x--")

    with pytest.raises(FixtureError, match="multipart"):
        set_fields(callback, {"status": "x"})


@given(fields=receipt_fields, transport=st.sampled_from(TRANSPORTS), value=st.text(max_size=20))
def test_what_was_set_is_read_and_the_rest_is_as_before(
    fields: dict[str, str], transport: Transport, value: str
) -> None:
    changed = set_fields(compose(fields, transport), {"client-ref": value})

    assert fields_of(changed) == {**fields, "client-ref": value}


@given(
    name=st.text(min_size=1, max_size=10), value=st.text(max_size=20), query=st.text("ab=&%+;61", max_size=20)
)
def test_a_field_that_is_set_in_any_query_is_there_once(name: str, value: str, query: str) -> None:
    changed = set_fields(Callback("GET", f"/?{query}"), {name: value})

    values = [given for key, given in parse_qsl(changed.query, keep_blank_values=True) if key == name]
    assert values == [value]


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("other", TRANSPORTS)
def test_the_same_fields_travel_in_another_transport(transport: Transport, other: Transport) -> None:
    converted = convert(compose(FIELDS, transport, target="/dlr", host="h.example.com"), other)

    assert converted == compose(FIELDS, other, target="/dlr", host="h.example.com")


def test_a_callback_of_the_wanted_transport_is_unchanged() -> None:
    odd = Callback("GET", "/dlr?status=%78&&", (("x-odd", "1"),))

    assert convert(odd, "get") is odd


def test_the_url_s_own_query_is_kept() -> None:
    form = compose(FIELDS, "form", target="/dlr?key=1")

    assert convert(form, "json").target == "/dlr?key=1"
    assert convert(form, "get").target.startswith("/dlr?key=1&msisdn=447700900001")


def test_json_types_become_text_in_json_spelling() -> None:
    body = json.dumps({"status": "x", "a": None, "b": True, "c": 0.5, "d": [1]}).encode()

    converted = convert(Callback("POST", "/", JSON_TYPE, body), "form")

    assert fields_of(converted) == {"status": "x", "a": "", "b": "true", "c": "0.5", "d": "[1]"}


def test_a_callback_without_a_receipt_cannot_be_converted() -> None:
    with pytest.raises(FixtureError, match="without a receipt"):
        convert(Callback("POST", "/", JSON_TYPE, b"[]"), "get")
