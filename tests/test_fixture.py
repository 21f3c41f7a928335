import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings

from devkit.callback import Callback
from devkit.fixture import Fixture, dumps, format_time, load, loads
from devkit.receipt import Receipt, Unreadable
from tests.arbitrary import callbacks, fixtures
from tests.fixture_example import EXAMPLE, FILE, MOMENT, changed


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


def test_a_file_saved_by_an_editor_with_a_byte_order_mark_loads() -> None:
    assert loads(b"\xef\xbb\xbf" + FILE) == EXAMPLE


def test_a_file_is_loaded_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "delivered.json"
    path.write_bytes(FILE)

    assert load(path) == EXAMPLE


def test_a_repr_shows_no_number() -> None:
    number = "447700900123"
    callback = Callback("POST", f"/{number}?msisdn={number}", (("X", number),), number.encode())
    more: dict[str, object] = {number: number}
    fixture = Fixture(
        MOMENT, callback, note=number, tags=(number,), redacted=more, extra=more, request_extra=more
    )

    assert number not in repr(fixture)
    assert "<Callback POST" in repr(fixture)
