import codecs
import json
from functools import reduce
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.webhook.raw_fields import (
    add_to_json,
    add_to_query,
    as_json,
    json_fields,
    json_values,
    query_fields,
    splice,
)
from devkit.webhook.strict_json import InvalidJson
from tests.support.strategies import any_text, json_objects, plain_text, wire_text
from tests.support.strategies import json_values as json_documents

queries = (wire_text("") | st.text("a=&%4+1", max_size=12)).map(lambda text: text.encode("latin-1"))


@st.composite
def json_texts(draw: st.DrawFn) -> bytes:
    """A JSON object in any style: white space, escapes, number spelling, repeated names, a byte order mark."""
    space = st.text(" \t\r\n", max_size=2)

    def spaced(text: str) -> str:
        return draw(space) + text + draw(space)

    def written(value: object) -> str:
        return json.dumps(value, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1])))

    value = json_documents.map(written) | st.sampled_from(["1.50", "-0", "1E+2", "9" * 5000])
    names = draw(st.lists(any_text, max_size=4))
    names += names[:1] if draw(st.booleans()) else []
    items = [f"{spaced(written(name))}:{spaced(draw(value))}" for name in names]
    text = spaced("{" + (",".join(items) or draw(space)) + "}")
    mark = codecs.BOM_UTF8 if draw(st.booleans()) else b""
    return mark + text.encode("utf-8", "backslashreplace")


def pairs(raw: bytes) -> list[tuple[str, Any]]:
    """The names and values that a program reads, repeated names too."""
    objects: list[list[tuple[str, Any]]] = []

    def keep(found: list[tuple[str, Any]]) -> dict[str, Any]:
        objects.append(found)
        return dict(found)

    json.loads(raw.decode("utf-8-sig"), object_pairs_hook=keep, parse_int=str)
    return objects[-1]


def query_pairs(raw: bytes) -> list[tuple[str, str]]:
    return parse_qsl(raw.decode("latin-1"), keep_blank_values=True, encoding="latin-1")


@given(queries)
def test_a_query_has_the_fields_that_a_program_reads(raw):
    fields = [(field.name, field.value.decode("latin-1")) for field in query_fields(raw)]

    expected = [
        (name.encode("latin-1").decode("utf-8", "replace"), value) for name, value in query_pairs(raw)
    ]
    assert fields == expected


@given(json_texts())
def test_json_has_the_fields_that_a_program_reads(raw):
    fields = json_fields(raw)

    assert [raw[field.start : field.end] for field in fields] == [field.written for field in fields]
    assert [(field.name, json.loads(field.written, parse_int=str)) for field in fields] == pairs(raw)


@given(json_objects, st.sampled_from([None, 1]), st.booleans())
def test_a_path_leads_to_a_nested_value(document, indent, ascii_only):
    raw = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "backslashreplace")

    values = json_values(raw)

    for each in values:
        assert json.loads(each.written) == reduce(lambda whole, key: whole[key], each.path, document)
    assert len(values) == count_values(document)
    assert values == sorted(values, key=lambda each: each.start)


def count_values(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(count_values, inner))


@given(wire_text(""))
def test_what_is_not_one_json_object_is_invalid(text):
    raw = text.encode("latin-1")
    try:
        valid = isinstance(json.loads(raw.decode("utf-8-sig")), dict)
    except ValueError:
        valid = False

    if not valid:
        with pytest.raises(InvalidJson):
            json_fields(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b'{"a"',
        b'{"a":',
        b'{"a":1',
        b'{"a":1,',
        b'{"a":1,}',
        b"{1:2}",
        b'{"a":1} x',
        b"{} x",
        b'{"a":\xff}',
        b"[" * 9000,
        b'{"a":' + b"[" * 9000 + b"]" * 9000 + b"}",
    ],
)
def test_broken_json_is_invalid(raw):
    with pytest.raises(InvalidJson):
        json_fields(raw)


def test_a_name_that_stands_twice_is_found_twice():
    fields = json_fields(b'{"a": 1, "a": "x"}')

    assert [(field.name, field.value, field.kind) for field in fields] == [
        ("a", b"1", "number"),
        ("a", b"x", "string"),
    ]


def test_the_kinds_of_json_values():
    fields = json_fields(b'{"a": null, "b": true, "c": [1], "d": {}, "e": 1.5, "f": ""}')

    assert [field.kind for field in fields] == ["word", "word", "nested", "nested", "number", "string"]


def test_values_that_are_nested_too_deeply_are_left_out():
    raw = b'{"a": {"b": {"c": 1}}}'

    assert [each.path for each in json_values(raw, max_depth=2)] == [(), ("a",), ("a", "b")]


@given(json_texts(), json_documents, st.data())
def test_a_spliced_json_value_is_read_and_all_other_bytes_stay(raw, value, data):
    fields = json_fields(raw)
    if not fields:
        return
    place = data.draw(st.integers(0, len(fields) - 1))

    changed = splice(raw, [(fields[place], value)])

    expected = pairs(raw)
    expected[place] = expected[place][0], json.loads(json.dumps(value), parse_int=str)
    assert pairs(changed) == expected
    assert changed == raw[: fields[place].start] + as_json(value) + raw[fields[place].end :]


@given(queries, plain_text, st.data())
def test_a_spliced_query_value_is_read_and_all_other_bytes_stay(raw, value, data):
    fields = query_fields(raw)
    if not fields:
        return
    field = data.draw(st.sampled_from(fields))

    changed = splice(raw, [(field, value)])

    expected = query_pairs(raw)
    place = fields.index(field)
    expected[place] = expected[place][0], value.encode().decode("latin-1")
    assert query_pairs(changed) == expected
    assert changed.startswith(raw[: field.start])
    assert changed.endswith(raw[field.end :])


@given(json_texts(), st.data())
def test_without_some_json_fields_the_others_keep_their_bytes(raw, data):
    fields = json_fields(raw)
    gone = [field for field in fields if data.draw(st.booleans())]

    changed = splice(raw, [], gone)

    left = [field for field in fields if field not in gone]
    assert [(each.name, each.written) for each in json_fields(changed)] == [
        (each.name, each.written) for each in left
    ]
    if not gone:
        assert changed == raw


@given(queries, st.data())
def test_without_some_query_fields_the_others_keep_their_bytes(raw, data):
    fields = query_fields(raw)
    gone = [field for field in fields if data.draw(st.booleans())]

    changed = splice(raw, [], gone)

    items = raw.split(b"&")
    places = [place for place, item in enumerate(items) if item]
    removed = {places[fields.index(field)] for field in gone}
    assert changed == b"&".join(item for place, item in enumerate(items) if place not in removed)


@given(json_texts(), any_text, json_documents)
def test_a_field_that_is_added_to_json_comes_last(raw, name, value):
    changed = add_to_json(raw, {name: value})

    assert pairs(changed) == [*pairs(raw), (name, json.loads(json.dumps(value), parse_int=str))]
    end = max((field.end for field in json_fields(raw)), default=raw.index(b"{") + 1)
    assert changed.startswith(raw[:end])
    assert changed.endswith(raw[end:])


@given(queries, plain_text, plain_text)
def test_a_field_that_is_added_to_a_query_comes_last(raw, name, value):
    changed = add_to_query(raw, {name: value})

    new = name.encode().decode("latin-1"), value.encode().decode("latin-1")
    assert query_pairs(changed) == [*query_pairs(raw), new]
    assert changed.startswith(raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"{}", b'{"a":1,"b":"c"}'),
        (b"{ }", b'{"a":1,"b":"c" }'),
        (b'{"x":0}', b'{"x":0,"a":1,"b":"c"}'),
        (b'{"x": 0}', b'{"x": 0, "a": 1, "b": "c"}'),
        (b'{ "x": 0 }', b'{ "x": 0, "a": 1, "b": "c" }'),
        (b'{"x" : 0 ,"y" : 1}', b'{"x" : 0 ,"y" : 1 ,"a" : 1 ,"b" : "c"}'),
        (b'{\n  "x": 0\n}\n', b'{\n  "x": 0,\n  "a": 1,\n  "b": "c"\n}\n'),
        (b'{\n  "x": 0,\n  "y": {}\n}', b'{\n  "x": 0,\n  "y": {},\n  "a": 1,\n  "b": "c"\n}'),
    ],
)
def test_added_fields_have_the_style_of_the_text(raw, expected):
    assert add_to_json(raw, {"a": 1, "b": "c"}) == expected


def test_only_an_object_takes_more_fields():
    with pytest.raises(InvalidJson):
        add_to_json(b"[1]", {"a": 1})


def test_nothing_added_is_nothing_changed():
    assert add_to_json(b'{"x": 0}', {}) == b'{"x": 0}'
    assert add_to_query(b"a&", {}) == b"a&"


def test_a_spliced_query_changes_in_its_place_only():
    raw = b"/p?a=%31&&b&msisdn=1+2&%6d=x"
    fields = {field.name: field for field in query_fields(raw, 3)}

    assert splice(raw, [(fields["msisdn"], "+44 7")]) == b"/p?a=%31&&b&msisdn=%2B44+7&%6d=x"
    assert splice(raw, [(fields["m"], "1"), (fields["b"], None)]) == b"/p?a=%31&&b=&msisdn=1+2&%6d=1"
    assert splice(raw, [(fields["b"], b"%7e")]) == b"/p?a=%31&&b=%7e&msisdn=1+2&%6d=x"


def test_spliced_json_changes_in_its_place_only():
    raw = '{ "ü" : "\\u00fc" ,"n":1.50,"s":"x" }'.encode()
    _, number, string = json_fields(raw)

    assert splice(raw, [(string, "y"), (number, 23)]) == '{ "ü" : "\\u00fc" ,"n":23,"s":"y" }'.encode()
    assert splice(raw, [(number, "a1")]) == '{ "ü" : "\\u00fc" ,"n":"a1","s":"x" }'.encode()
    assert splice(raw, [(number, b"2.50")]) == '{ "ü" : "\\u00fc" ,"n":2.50,"s":"x" }'.encode()


def test_a_nested_value_is_spliced_and_removed_in_its_place():
    raw = b'{"a": [1, {"b": 2 , "c": 3}], "d": 4}'
    values = {each.path: each for each in json_values(raw)}

    assert splice(raw, [(values["a", 1, "c"], "x")]) == b'{"a": [1, {"b": 2 , "c": "x"}], "d": 4}'
    assert splice(raw, [], [values["a", 1, "c"]]) == b'{"a": [1, {"b": 2 }], "d": 4}'
    assert splice(raw, [], [values["a", 0], values["d",]]) == b'{"a": [{"b": 2 , "c": 3}]}'


def test_a_field_begins_where_its_name_does():
    raw = b'{"a": [1, {"b": 2}]}'

    assert [(each.path, raw[each.begin : each.end]) for each in json_values(raw)] == [
        ((), raw),
        (("a",), b'"a": [1, {"b": 2}]'),
        (("a", 0), b"1"),
        (("a", 1), b'{"b": 2}'),
        (("a", 1, "b"), b'"b": 2'),
    ]


def test_a_field_shows_nothing():
    assert "0123456789" not in repr(query_fields(b"msisdn=0123456789"))
