import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from arbitrary import callbacks, fixtures, json_values
from hypothesis import given, settings
from hypothesis import strategies as st

from devkit.callback import Callback
from devkit.errors import FixtureError
from devkit.fixture import Fixture, dumps, format_time, load, loads
from devkit.receipt import Receipt, Unreadable

MOMENT = datetime(2026, 11, 23, 13, 45, 47, 123456, UTC)
EXAMPLE = Fixture(
    MOMENT,
    Callback(
        "GET",
        "/webhooks/delivery-receipt?msisdn=447700900001&status=delivered",
        (("Host", "dlr.example.test"), ("X-Tag", "a"), ("x-tag", "b")),
    ),
    signature="absent",
    tags=("first", "GET"),
    note="Caf\u00e9",
    extra={"seen": [1, {"deep": None}]},
    request_extra={"http_version": "1.1"},
)
FILE = rb"""{
  "format": "vonage-delivery-receipt",
  "version": 1,
  "recorded_at": "2026-11-23T13:45:47.123456Z",
  "request": {
    "method": "GET",
    "target": "/webhooks/delivery-receipt?msisdn=447700900001&status=delivered",
    "headers": [
      ["Host", "dlr.example.test"],
      ["X-Tag", "a"],
      ["x-tag", "b"]
    ],
    "body": {
      "text": ""
    },
    "http_version": "1.1"
  },
  "receipt": {
    "msisdn": "447700900001",
    "status": "delivered"
  },
  "signature": "absent",
  "tags": ["first", "GET"],
  "note": "Caf\u00e9",
  "seen": [
    1,
    {
      "deep": null
    }
  ]
}
"""


def changed(*path: object, to: object) -> bytes:
    """The example's file with another value at one place."""
    document = json.loads(FILE)
    *above, last = path
    place = document
    for key in above:
        place = place[key]
    place[last] = to
    return json.dumps(document).encode()


def with_body(body: bytes) -> Fixture:
    return Fixture(MOMENT, Callback("POST", "/dlr", (), body))


def test_the_file_is_written_exactly_so() -> None:
    assert dumps(EXAMPLE) == FILE
    assert loads(FILE) == EXAMPLE


@given(fixtures)
def test_saving_and_loading_gives_the_same_fixture_and_the_same_bytes(fixture: Fixture) -> None:
    data = dumps(fixture)
    loaded = loads(data)

    assert loaded == fixture
    assert dumps(loaded) == data
    assert data.isascii()
    assert data.endswith(b"}\n")


@given(fixtures)
@settings(max_examples=20)
def test_a_file_whose_line_ends_were_changed_loads_equal(fixture: Fixture) -> None:
    assert loads(dumps(fixture).replace(b"\n", b"\r\n")) == fixture


@given(callbacks.map(lambda callback: Fixture(MOMENT, callback)))
def test_the_copy_for_people_is_what_the_request_says(fixture: Fixture) -> None:
    document = json.loads(dumps(fixture))

    match fixture.read():
        case Receipt(fields):
            assert list(document["receipt"].items()) == list(fields.items())
            assert "problem" not in document
        case Unreadable(problem):
            assert document["problem"] == problem
            assert "receipt" not in document


@given(st.binary() | st.text().map(str.encode) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_give_a_fixture_error_and_nothing_else(data: bytes) -> None:
    with pytest.raises(FixtureError, match=r"^here\.json: "):
        loads(data, "here.json")


def places(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*path, key)
        yield from places(item, (*path, key))


@given(st.sampled_from(list(places(json.loads(FILE)))), json_values)
def test_any_change_of_a_value_loads_or_gives_a_fixture_error(
    path: tuple[object, ...], value: object
) -> None:
    try:
        fixture = loads(changed(*path, to=value))
    except FixtureError:
        return
    assert loads(dumps(fixture)) == fixture


@given(st.integers(0, len(FILE) - 1), st.binary(max_size=3))
def test_any_damage_to_the_bytes_loads_or_gives_a_fixture_error(at: int, wrong: bytes) -> None:
    try:
        fixture = loads(FILE[:at] + wrong + FILE[at + 1 :])
    except FixtureError:
        return
    assert loads(dumps(fixture)) == fixture


@given(st.integers(0, len(FILE) - 3))
def test_half_a_file_is_refused(length: int) -> None:
    with pytest.raises(FixtureError):
        loads(FILE[:length])


@pytest.mark.parametrize(
    ("body", "written"),
    [
        (b"", {"text": ""}),
        (b"status=delivered\r\n\tx", {"text": "status=delivered\r\n\tx"}),
        ("Zoë ✓".encode(), {"text": "Zoë ✓"}),
        (b"\xef\xbb\xbfBOM", {"text": "\ufeffBOM"}),
        (b"\xff", {"base64": "/w=="}),
        (b"a\0b", {"base64": "YQBi"}),
        (b"\x1b[31m", {"base64": "G1szMW0="}),
        (b"\x7f", {"base64": "fw=="}),
        ("\x9b".encode(), {"base64": "wps="}),
    ],
)
def test_a_body_is_text_unless_it_holds_what_text_does_not(body: bytes, written: dict[str, str]) -> None:
    data = dumps(with_body(body))

    assert json.loads(data)["request"]["body"] == written
    assert loads(data).callback.body == body


def test_what_has_nothing_to_say_is_left_out() -> None:
    document = json.loads(dumps(with_body(b"status=delivered")))

    assert list(document) == ["format", "version", "recorded_at", "request", "receipt"]


def test_optional_keys_stand_in_a_fixed_order() -> None:
    fixture = Fixture(
        MOMENT,
        Callback("POST", "/dlr"),
        note="n",
        tags=("t",),
        redacted={"msisdn": "replaced"},
        captured="c",
        signature="unchecked",
        extra={"zz": 1},
    )

    assert list(json.loads(dumps(fixture)))[4:] == [
        "problem",
        "signature",
        "captured",
        "redacted",
        "tags",
        "note",
        "zz",
    ]


def test_the_copy_for_people_is_never_believed() -> None:
    fixture = loads(changed("receipt", to={"status": "forged"}))

    assert fixture == EXAMPLE
    assert dumps(fixture) == FILE


def test_a_time_of_another_zone_is_written_as_utc() -> None:
    zone = timezone(timedelta(hours=2))

    assert format_time(datetime(2026, 1, 1, 1, 30, tzinfo=zone)) == "2025-12-31T23:30:00.000000Z"


def test_a_time_to_the_second_is_read() -> None:
    fixture = loads(changed("recorded_at", to="2026-11-23T13:45:47Z"))

    assert fixture.recorded_at == MOMENT.replace(microsecond=0)


def test_a_newer_version_asks_for_an_upgrade() -> None:
    with pytest.raises(FixtureError) as caught:
        loads(changed("version", to=2), "new.json")

    assert caught.value.message == "new.json: format version 2 is newer than this devkit, which reads 1"
    assert caught.value.hint.startswith("Please upgrade")


REFUSED = {
    "another file": ((b'{"name": "x"}'), 'no "format": "vonage-delivery-receipt" in it'),
    "a list": (b"[]", "the file is not a JSON object"),
    "not JSON": (b"{\n  x", "not JSON at line 2, column 3"),
    "not UTF-8": (b"\xff\xfe{}", "not UTF-8"),
    "a repeated key": (b'{"format": 1, "format": 1}', "the key 'format' stands twice"),
    "NaN": (changed("seen", to=float("nan")), "NaN is not JSON"),
    "a huge number": (changed("seen", to=0).replace(b'"seen": 0', b'"seen": 1e999'), "too large"),
    "deep nesting": (changed("seen", to=0).replace(b": 0", b": " + b"[" * 99 + b"]" * 99), "too deeply"),
    "version 0": (changed("version", to=0), '"version" is not a whole number'),
    "a version that is true": (changed("version", to=True), '"version" is not a whole number'),
    "no time": (changed("recorded_at", to=None), '"recorded_at" is not a UTC time'),
    "a local time": (changed("recorded_at", to="2026-11-23T13:45:47+01:00"), "is not a UTC time"),
    "no real time": (changed("recorded_at", to="2026-02-30T13:45:47Z"), "no real time: 2026-02-30"),
    "other digits": (changed("recorded_at", to="\u0662026-02-01T13:45:47Z"), "recorded_at"),
    "no request": (changed("request", to=[]), '"request" is not a JSON object'),
    "no method": (changed("request", "method", to=None), '"method" is not text'),
    "a forged method": (changed("request", "method", to="GET /x HTTP/1.1\r\n"), '"method" holds characters'),
    "a split target": (changed("request", "target", to="/a b"), '"target" holds characters'),
    "a forged target": (changed("request", "target", to="/a\r\nX: y"), '"target" holds characters'),
    "an empty target": (changed("request", "target", to=""), '"target" holds characters'),
    "a target beyond latin-1": (changed("request", "target", to="/\u0151"), '"target" holds characters'),
    "headers of another form": (changed("request", "headers", to={"Host": "x"}), '"headers" is not a list'),
    "half a header": (changed("request", "headers", 0, to=["Host"]), '"headers" is not a list'),
    "a header without a name": (changed("request", "headers", 0, 0, to=""), "a header name holds"),
    "a forged header": (changed("request", "headers", 0, 1, to="x\r\nY: z"), "value of header 'Host' holds"),
    "no body": (changed("request", "body", to={}), 'exactly one of "text" and "base64"'),
    "two bodies": (changed("request", "body", to={"text": "", "base64": ""}), "exactly one of"),
    "a body that is a number": (changed("request", "body", to={"text": 1}), "exactly one of"),
    "bad base64": (changed("request", "body", to={"base64": "a"}), "not valid base64"),
    "odd base64": (changed("request", "body", to={"base64": "\u00e9==="}), "not valid base64"),
    "half a character": (changed("request", "body", to={"text": "\ud800"}), "half of a surrogate pair"),
    "another verdict": (changed("signature", to="good"), '"signature" is none of absent, valid'),
    "a verdict that is a list": (changed("signature", to=[]), '"signature" is none of'),
    "tags that are text": (changed("tags", to="x"), '"tags" is not a list of texts'),
    "tags that are numbers": (changed("tags", to=[1]), '"tags" is not a list of texts'),
    "a note that is a number": (changed("note", to=1), '"note" is not text'),
    "redacted as a list": (changed("redacted", to=[]), '"redacted" is not a JSON object'),
}


@pytest.mark.parametrize(("data", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_with_a_file_is_said(data: bytes, reason: str) -> None:
    with pytest.raises(FixtureError) as caught:
        loads(data, "some.json")

    assert caught.value.message.startswith("some.json: ")
    assert reason in caught.value.message
    assert caught.value.hint


def test_a_file_saved_by_an_editor_with_a_byte_order_mark_loads() -> None:
    assert loads(b"\xef\xbb\xbf" + FILE) == EXAMPLE


def test_a_file_is_loaded_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "delivered.json"
    path.write_bytes(FILE)

    assert load(path) == EXAMPLE


@pytest.mark.parametrize("name", ["missing.json", "directory", "nul\0.json"])
def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "directory").mkdir()

    with pytest.raises(FixtureError) as caught:
        load(tmp_path / name)

    assert caught.value.message.startswith(f"{tmp_path / name}: ")


def test_a_repr_shows_no_number() -> None:
    number = "447700900123"
    callback = Callback("POST", f"/{number}?msisdn={number}", (("X", number),), number.encode())
    more: dict[str, object] = {number: number}
    fixture = Fixture(
        MOMENT, callback, note=number, tags=(number,), redacted=more, extra=more, request_extra=more
    )

    assert number not in repr(fixture)
    assert "<Callback POST" in repr(fixture)
