"""What is no fixture file, and that nothing but FixtureError says so."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.errors import FixtureError
from devkit.fixture import dumps, load, loads
from tests.arbitrary import json_values
from tests.fixture_example import FILE, changed


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


@pytest.mark.parametrize("name", ["missing.json", "directory", "nul\0.json"])
def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "directory").mkdir()

    with pytest.raises(FixtureError) as caught:
        load(tmp_path / name)

    assert caught.value.message.startswith(f"{tmp_path / name}: ")
