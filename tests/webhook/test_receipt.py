import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.webhook.callback import Callback, compose
from devkit.webhook.receipt import MAX_FIELDS, Receipt, Unreadable, Webhook, meaning, read, reason
from tests.support.strategies import callbacks, json_values, plain_text

FORM = "application/x-www-form-urlencoded"


def get(query: str) -> Callback:
    return Callback("GET", f"/webhooks/delivery-receipt?{query}")


def post(body: bytes, content_type: str = "application/json") -> Callback:
    return Callback("POST", "/webhooks/delivery-receipt", (("Content-Type", content_type),), body)


@given(callbacks)
def test_nothing_that_arrives_raises(callback: Callback) -> None:
    reading = read(callback)

    if isinstance(reading, Unreadable):
        assert reading.problem.endswith((".", "dashboard."))
        assert "\n" not in reading.problem
    else:
        assert reading.status


@given(st.binary(), st.sampled_from(["application/json", FORM, "multipart/form-data", "text/plain"]))
def test_no_body_raises(body: bytes, content_type: str) -> None:
    assert isinstance(read(post(body, content_type)), Webhook | Unreadable)


@given(st.text())
def test_no_target_raises_not_even_one_that_no_wire_carries(target: str) -> None:
    assert isinstance(read(Callback("GET", target)), Webhook | Unreadable)


@given(st.dictionaries(plain_text.filter(lambda name: name != "message_uuid"), json_values, max_size=6))
def test_json_keeps_order_and_values_and_drops_nothing(fields: dict[str, object]) -> None:
    sent = {**fields, "status": "delivered"}
    receipt = read(post(json.dumps(sent).encode()))

    assert isinstance(receipt, Receipt)
    assert list(receipt.fields.items()) == list(sent.items())


def test_a_query_keeps_order_empty_values_and_unknown_fields() -> None:
    receipt = read(get("x-new=1&status=delivered&client-ref=&to=Acme%20Inc+%26+Co&na%C3%AFve=%E2%9C%93"))

    assert isinstance(receipt, Receipt)
    assert list(receipt.fields.items()) == [
        ("x-new", "1"),
        ("status", "delivered"),
        ("client-ref", ""),
        ("to", "Acme Inc & Co"),
        ("naïve", "✓"),
    ]


def test_raw_utf8_in_a_target_is_read() -> None:
    raw = "status=delivered&to=Zoë".encode().decode("latin-1")

    assert read(get(raw)) == Receipt({"status": "delivered", "to": "Zoë"})


def test_an_unknown_status_and_err_code_are_kept() -> None:
    receipt = read(get("status=undelivered&err-code=95&messageId=0A"))

    assert isinstance(receipt, Receipt)
    assert (receipt.status, receipt.err_code, receipt.message_id) == ("undelivered", "95", "0A")


def test_missing_fields_read_as_empty_text() -> None:
    receipt = Receipt({"status": "failed", "err-code": 9, "client-ref": None})

    assert (
        receipt.status,
        receipt.err_code,
        receipt.message_id,
        receipt.text("client-ref"),
        receipt.text("scts"),
    ) == ("failed", "9", "", "", "")


def test_a_repr_shows_no_number() -> None:
    receipt = Receipt({"status": "failed", "err-code": "9", "msisdn": "447700900123", "to": "447700900124"})

    assert repr(receipt) == "<Receipt failed err-code=9 (4 fields)>"
    assert repr(Receipt({"status": "accepted"})) == "<Receipt accepted err-code=- (1 fields)>"


MULTIPART = b'--x\r\nContent-Disposition: form-data; name="status"\r\n\r\ndelivered\r\n--x--\r\n'
TOO_MANY = "&".join(f"f{number}=1" for number in range(MAX_FIELDS + 1))
MANY_KEYS = json.dumps({f"f{number}": 1 for number in range(MAX_FIELDS + 1)}).encode()

PROBLEMS = {
    "a GET without fields": (
        Callback("GET", "/dlr"),
        "There is no status field: this is not a delivery receipt.",
    ),
    "an empty POST": (
        Callback("POST", "/dlr"),
        "A POST with neither a body nor a query string: Vonage never sends one.",
    ),
    "an empty JSON body": (
        post(b""),
        "A POST with neither a body nor a query string: Vonage never sends one.",
    ),
    "a GET with a body and no query": (
        Callback("GET", "/dlr", body=b'{"status":"delivered"}'),
        "A GET with a body and no query string: Vonage puts the fields of a GET into the query.",
    ),
    "no status": (
        get("msisdn=447700900001&to=AcmeInc"),
        "There is no status field: this is not a delivery receipt.",
    ),
    "an empty status": (
        get("status="),
        "The status is empty or not text; Vonage sends a word such as delivered.",
    ),
    "a status that is a number": (
        post(b'{"status": 1}'),
        "The status is empty or not text; Vonage sends a word such as delivered.",
    ),
    "a receipt without its status": (
        get("messageId=0A&err-code=0&price=0.03"),
        "There is no status field: this is not a delivery receipt.",
    ),
    "a status of the Messages API without a status": (
        post(b'{"message_uuid": "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab", "status": ""}'),
        "The status is empty or not text; Vonage sends a word such as delivered.",
    ),
    "an empty message_uuid": (
        post(b'{"message_uuid": null, "status": "delivered"}'),
        "The message_uuid is empty or not text; Vonage sends a UUID.",
    ),
    "a repeated field in a query": (
        get("status=delivered&status=failed"),
        "The field 'status' arrived more than once; Vonage sends each field once.",
    ),
    "a repeated field in a form": (
        post(b"status=delivered&to=a&to=b", FORM),
        "The field 'to' arrived more than once; Vonage sends each field once.",
    ),
    "a repeated field in JSON": (
        post(b'{"status":"delivered","status":"failed"}'),
        "The field 'status' arrived more than once; Vonage sends each field once.",
    ),
    "a query that is not UTF-8": (get("status=delivered&to=%FF"), "The query string is not UTF-8."),
    "a query that no wire carries": (get("status=delivered&to=\u0151"), "The query string is not UTF-8."),
    "a form that is not UTF-8": (post(b"status=delivered&to=\xe9", FORM), "The form body is not UTF-8."),
    "JSON that is not UTF-8": (
        post(b'{"status":"delivered","to":"\xe9"}'),
        "The JSON body cannot be read: not UTF-8.",
    ),
    "half of a JSON body": (
        post(b'{"status":'),
        "The JSON body cannot be read: not JSON at line 1, column 11: Expecting value.",
    ),
    "NaN": (post(b'{"status":"delivered","price":NaN}'), "The JSON body cannot be read: NaN is not JSON."),
    "a huge number": (
        post(b'{"status":"delivered","price":1e999}'),
        "The JSON body cannot be read: a number in it is too large.",
    ),
    "deep nesting": (
        post(b'{"status":"delivered","deep":' + b"[" * 16 + b"]" * 16 + b"}"),
        "The JSON body cannot be read: nested too deeply.",
    ),
    "bottomless nesting": (post(b"[" * 60_000), "The JSON body cannot be read: nested too deeply."),
    "a JSON array": (
        post(b'[{"status":"delivered"}]'),
        "The body is a JSON array; Vonage sends one flat JSON object for each receipt.",
    ),
    "a JSON text": (
        post(b'"delivered"'),
        "The body is a JSON value without fields; Vonage sends one flat JSON object for each receipt.",
    ),
    "too many fields in a query": (get(TOO_MANY), "The query string has more than 1000 fields."),
    "too many fields in a form": (post(TOO_MANY.encode(), FORM), "The form body has more than 1000 fields."),
    "too many fields in JSON": (post(MANY_KEYS), "The JSON body has more than 1000 fields."),
    "JSON that is labelled as a form": (
        post(b'{"status":"delivered"}', FORM),
        "The body is JSON, but its Content-Type says that it is a form.",
    ),
    "multipart": (
        post(MULTIPART, "multipart/form-data; boundary=x"),
        "The body is multipart/form-data; Vonage sends application/x-www-form-urlencoded or JSON.",
    ),
}


@pytest.mark.parametrize(("callback", "problem"), PROBLEMS.values(), ids=PROBLEMS)
def test_what_cannot_be_read_says_why(callback: Callback, problem: str) -> None:
    assert read(callback) == Unreadable(problem)


def test_as_many_fields_as_allowed_are_read() -> None:
    fields = {"status": "delivered"} | {f"f{number}": "1" for number in range(MAX_FIELDS - 1)}

    assert read(compose(fields, "get")) == read(compose(fields, "json")) == Receipt(fields)


def test_json_without_a_content_type_is_read() -> None:
    assert read(Callback("POST", "/dlr", (), b'{"status":"failed"}')) == Receipt({"status": "failed"})


@pytest.mark.parametrize(
    ("code", "words"),
    [("", ""), ("0", "Delivered"), ("53", "Consent Filter"), ("95", "Undocumented err-code 95")],
)
def test_an_undocumented_err_code_has_a_meaning_too(code: str, words: str) -> None:
    assert meaning(code, "delivered") == words


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("delivered", "Delivered"),
        ("accepted", "No error"),
        ("buffered", "No error"),
        ("expired", "No reason given"),
        ("failed", "No reason given"),
        ("undelivered", "No reason given"),
    ],
)
def test_zero_means_what_its_status_lets_it_mean(status: str, words: str) -> None:
    assert meaning("0", status) == words


@pytest.mark.parametrize(
    ("err_code", "status", "words"),
    [
        ("0", "delivered", ""),
        ("0", "accepted", ""),
        ("0", "expired", "No reason given"),
        ("2", "failed", "Absent Subscriber - Temporary"),
        ("95", "failed", "Undocumented err-code 95"),
        ("", "failed", ""),
    ],
)
def test_a_reason_is_there_only_when_it_adds_to_the_status(err_code: str, status: str, words: str) -> None:
    assert reason(err_code, status) == words


def test_an_error_number_has_its_own_name() -> None:
    assert meaning("1240", "rejected") == "Illegal number"
    assert meaning("9", "failed") == "Illegal Number"
    assert meaning("1999", "rejected") == "Undocumented error 1999"
