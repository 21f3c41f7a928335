import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.webhook.strict_json import InvalidJson, RepeatedKey, parse
from tests.support.strategies import json_values


@given(json_values)
def test_what_json_can_say_is_read(value: object) -> None:
    assert parse(json.dumps(value).encode(), max_depth=20) == value


@given(st.binary() | st.text('{}[]",:0123456789.eE+-\\untrfalsN').map(str.encode))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    with suppress(InvalidJson):
        parse(data, max_depth=5)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON at line 1, column 1: Expecting value"),
        (b'{"a": 1,\n "b"}', "not JSON at line 2, column 5: Expecting ':' delimiter"),
        (b'"\xff"', "not UTF-8"),
        (b"NaN", "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"1e999", "a number in it is too large"),
        (b"9" * 5000, "a number in it is too large"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" * 4 + b"]" * 4, "nested too deeply"),
        (b'{"a": 1, "a": 1}', "the key 'a' appears twice in one object"),
        (b'[{"a": {"b": 1, "b": 2}}]', "the key 'b' appears twice in one object"),
    ],
)
def test_an_invalid_document_has_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidJson) as caught:
        parse(data, max_depth=3)

    assert str(caught.value) == reason


def test_depth_is_counted_in_objects_and_lists() -> None:
    assert parse(b'[{"a": [1]}]', max_depth=3) == [{"a": [1]}]


def test_a_repeated_key_is_named() -> None:
    with pytest.raises(RepeatedKey) as caught:
        parse(b'{"status": 1, "status": 2}', max_depth=3)

    assert caught.value.key == "status"


def test_a_byte_order_mark_does_no_harm() -> None:
    assert parse(b"\xef\xbb\xbf{}", max_depth=1) == {}
