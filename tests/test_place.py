"""Lines and extents of values in a JSON text."""

import json

from hypothesis import given
from hypothesis import strategies as st

from devkit.check.place import Where, places

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def at(document: object, where: Where) -> object:
    for key in where:
        document = document[key]  # type: ignore[index]
    return document


def count(document: object) -> int:
    inner = (
        document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    )
    return 1 + sum(count(item) for item in inner)


@given(JSON, st.none() | st.integers(0, 3), st.booleans())
def test_every_value_is_found_where_it_stands(document: object, indent: int | None, as_ascii: bool) -> None:
    text = "\n " + json.dumps(document, indent=indent, ensure_ascii=as_ascii)

    found = places(text)

    assert len(found) == count(document)
    for place in found:
        assert json.loads(text[place.start : place.end]) == at(document, place.where)
        assert place.line <= text.count("\n", 0, place.start) + 1


def test_a_value_has_the_line_of_its_key() -> None:
    text = '{\n"a":\n\n[1,\n2], "b": {\n"c": 3}}'

    assert [(place.where, place.line) for place in places(text)] == [
        ((), 1),
        (("a",), 2),
        (("a", 0), 4),
        (("a", 1), 5),
        (("b",), 5),
        (("b", "c"), 6),
    ]


def test_a_key_that_stands_twice_is_there_twice() -> None:
    assert [place.where for place in places('{"a": 1, "a": [2]}')] == [(), ("a",), ("a",), ("a", 0)]


def test_endless_nesting_is_harmless() -> None:
    depth = 100_000

    assert len(places("[" * depth + "]" * depth)) == 40
