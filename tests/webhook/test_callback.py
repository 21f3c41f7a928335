import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.webhook.callback import (
    CALLBACK_PATH,
    TRANSPORTS,
    Callback,
    Transport,
    compose,
    is_origin_form,
    to_wire,
    without_secret,
)
from devkit.webhook.receipt import Receipt, read
from tests.support.strategies import any_text, callbacks, receipt_fields

FIELDS = {
    "msisdn": "447700900001",
    "to": "AcmeInc",
    "network-code": "23410",
    "messageId": "0A0000001234567B",
    "price": "0.03330000",
    "status": "delivered",
    "scts": "2007170234",
    "err-code": "0",
    "api-key": "abcd1234",
    "client-ref": "my-ref",
    "message-timestamp": "2020-07-17 02:34:35",
}
QUERY = (
    "msisdn=447700900001&to=AcmeInc&network-code=23410&messageId=0A0000001234567B&price=0.03330000"
    "&status=delivered&scts=2007170234&err-code=0&api-key=abcd1234&client-ref=my-ref"
    "&message-timestamp=2020-07-17+02%3A34%3A35"
)


def test_get_is_composed_as_vonage_sends_it() -> None:
    assert (
        to_wire(compose(FIELDS, "get", host="dlr.example.com"))
        == (
            f"GET /webhooks/delivery-receipt?{QUERY} HTTP/1.1\r\n"
            "Accept: */*\r\n"
            "User-Agent: Nexmo/MessagingHUB/v1.0\r\n"
            "Host: dlr.example.com\r\n"
            "\r\n"
        ).encode()
    )


def test_form_is_composed_as_vonage_sends_it() -> None:
    assert (
        to_wire(compose(FIELDS, "form", target="/dlr", host="dlr.example.com"))
        == (
            "POST /dlr HTTP/1.1\r\n"
            "Accept: */*\r\n"
            "User-Agent: Nexmo/MessagingHUB/v1.0\r\n"
            "Host: dlr.example.com\r\n"
            f"Content-Length: {len(QUERY)}\r\n"
            "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
            f"\r\n{QUERY}"
        ).encode()
    )


def test_json_is_composed_as_vonage_sends_it() -> None:
    assert to_wire(compose({"status": "failed", "err-code": "9"}, "json", host="dlr.example.com")) == (
        b"POST /webhooks/delivery-receipt HTTP/1.1\r\n"
        b"Accept: */*\r\n"
        b"User-Agent: Jakarta Commons-HttpClient/3.1\r\n"
        b"Host: dlr.example.com\r\n"
        b"Content-Length: 34\r\n"
        b"Content-Type: application/json\r\n"
        b'\r\n{"status":"failed","err-code":"9"}'
    )


@given(callbacks)
def test_the_wire_holds_every_part_in_order_and_as_it_was(callback: Callback) -> None:
    head, _, body = to_wire(callback).partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")

    assert first == f"{callback.method} {callback.target} HTTP/1.1"
    assert [tuple(line.split(": ", 1)) for line in lines] == list(callback.headers)
    assert body == callback.body


@given(receipt_fields, st.sampled_from(TRANSPORTS))
def test_what_is_composed_reads_as_what_was_meant(fields: dict[str, str], transport: Transport) -> None:
    callback = compose(fields, transport)
    receipt = read(callback)

    assert callback.transport == transport
    assert isinstance(receipt, Receipt)
    assert list(receipt.fields.items()) == list(fields.items())


def test_json_keeps_types_and_the_others_write_text() -> None:
    fields = {"status": "failed", "err-code": 9, "ok": True}

    as_text = Receipt({"status": "failed", "err-code": "9", "ok": "True"})
    assert [read(compose(fields, transport)) for transport in TRANSPORTS] == [
        as_text,
        as_text,
        Receipt(fields),
    ]


def test_json_writes_foreign_letters_plainly() -> None:
    assert compose({"client-ref": "Ünï ✓"}, "json").body == '{"client-ref":"Ünï ✓"}'.encode()


@given(any_text, st.sampled_from(TRANSPORTS))
def test_any_text_can_be_composed(text: str, transport: Transport) -> None:
    said = text if transport == "json" else text.encode("utf-8", "replace").decode()

    reading = read(compose({"status": "delivered", "client-ref": text}, transport))

    assert reading == Receipt({"status": "delivered", "client-ref": said})


def test_fields_follow_the_query_that_a_callback_url_has_already() -> None:
    assert compose({"status": "failed"}, "get", target="/dlr?app=1").target == "/dlr?app=1&status=failed"


@pytest.mark.parametrize(
    ("method", "target", "content_type", "body", "transport"),
    [
        ("GET", "/?status=failed", None, b"", "get"),
        ("GET", "/", "application/json", b"{}", "get"),
        ("HEAD", "/", None, b"", "get"),
        ("POST", "/?status=failed", None, b"", "get"),
        ("POST", "/", None, b"", "form"),
        ("POST", "/", "application/x-www-form-urlencoded", b"status=failed", "form"),
        ("POST", "/", "application/x-www-form-urlencoded", b'{"status":"failed"}', "form"),
        ("POST", "/", None, b"status=failed", "form"),
        ("POST", "/", "APPLICATION/JSON; charset=utf-8", b"nonsense", "json"),
        ("POST", "/", "application/problem+json", b"", "json"),
        ("POST", "/", "text/plain", b' {"status":"failed"}', "json"),
        ("POST", "/", None, b"[]", "json"),
        ("POST", "/?a=1", "application/json", b'{"status":"failed"}', "json"),
        ("POST", "/", "multipart/form-data; boundary=x", b"{", "form"),
    ],
)
def test_the_transport_is_seen(
    method: str, target: str, content_type: str | None, body: bytes, transport: Transport
) -> None:
    headers = () if content_type is None else (("content-TYPE", content_type),)

    assert Callback(method, target, headers, body).transport == transport


def test_path_and_query_are_parts_of_the_raw_target() -> None:
    callback = Callback("GET", "//odd/%2e;x?a=%41?b")

    assert (callback.path, callback.query) == ("//odd/%2e;x", "a=%41?b")
    assert Callback("GET", CALLBACK_PATH).query == ""


def test_a_header_is_found_in_any_case_and_the_first_one_counts() -> None:
    callback = Callback("GET", "/", (("host", "a.test"), ("Host", "b.test")))

    assert callback.header("HOST") == "a.test"
    assert callback.header("Via") is None


def test_a_repr_shows_neither_numbers_nor_secrets() -> None:
    headers = (("X-Caller", "447700900123"),)
    callback = Callback("POST", "/dlr/token?msisdn=447700900123", headers, b"msisdn=447700900123")

    assert repr(callback) == "<Callback POST, 1 headers, 19 bytes>"


@pytest.mark.parametrize("target", ["/", "/webhooks/delivery-receipt?a=b%20c", "//x", "/\xe9"])
def test_a_target_is_a_path(target: str) -> None:
    assert is_origin_form(target)


@pytest.mark.parametrize(
    "target", ["", "*", "a", "?a=b", "http://h/x", "http:/x", "/a b", "/a\tb", "/a\x00", "/a\x7f"]
)
def test_any_other_form_of_a_target_is_none(target: str) -> None:
    assert not is_origin_form(target)


@pytest.mark.parametrize(
    ("value", "cut"),
    [
        (f"{CALLBACK_PATH}/t0ken-t0ken?a=1", f"{CALLBACK_PATH}?a=1"),
        (f"https://h{CALLBACK_PATH}/another-t0ken", f"https://h{CALLBACK_PATH}"),
        ("%2Fwebhooks%2Fdelivery%2Dreceipt%2Ft0ken-t0ken", "%2Fwebhooks%2Fdelivery%2Dreceipt"),
        ("/of-a-proxy/t0ken-t0ken/x", "/of-a-proxy//x"),
        ("delivery-receipt", "delivery-receipt"),
        ("text/plain", "text/plain"),
    ],
)
def test_the_secret_of_the_path_is_in_no_header(value: str, cut: str) -> None:
    callback = Callback("GET", f"{CALLBACK_PATH}/t0ken-t0ken?status=delivered", (("X", value), ("Host", "h")))

    plain = without_secret(callback)

    assert plain.target == f"{CALLBACK_PATH}?status=delivered"
    assert plain.headers == (("X", cut), ("Host", "h"))


def test_a_short_secret_may_be_in_a_header_by_chance() -> None:
    for secret, left in (("1234567", "/1234567"), ("12345678", "/")):
        callback = Callback("GET", f"{CALLBACK_PATH}/{secret}", (("X", f"/{secret}"),))
        assert without_secret(callback).headers == (("X", left),)
