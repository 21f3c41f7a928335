import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.webhook.raw_fields import Inseparable, json_spans, query_spans, splice
from tests.support.strategies import json_objects, wire_text


def latin(text: str) -> str:
    return text.encode().decode("latin-1")


@given(wire_text("") | st.text("a=&%4+1", max_size=12))
def test_a_query_has_the_fields_that_a_program_reads(text):
    spans = [(span.name, span.value.decode("latin-1")) for span in query_spans(text)]

    expected = parse_qsl(text, keep_blank_values=True, encoding="latin-1")
    assert spans == [(name.encode("latin-1").decode("utf-8", "replace"), value) for name, value in expected]


@given(json_objects, st.sampled_from([None, 1]), st.booleans())
def test_json_has_the_fields_that_a_program_reads(document, indent, ascii_only):
    text = (
        json.dumps(document, indent=indent, ensure_ascii=ascii_only)
        .encode("utf-8", "replace")
        .decode("latin-1")
    )

    spans = list(json_spans(text))

    raw = [text[span.start : span.end].encode("latin-1") for span in spans]
    read = json.loads(text.encode("latin-1"))
    assert dict(zip((span.name for span in spans), map(json.loads, raw), strict=True)) == read


@given(wire_text(""))
def test_what_is_not_one_json_object_is_inseparable(text):
    try:
        valid = isinstance(json.loads(text.encode("latin-1").decode("utf-8")), dict)
    except ValueError:
        valid = False

    if not valid:
        with pytest.raises(Inseparable):
            list(json_spans(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"a"',
        '{"a":',
        '{"a":1',
        '{"a":1,',
        '{"a":1,}',
        "{1:2}",
        '{"a":1} x',
        "{} x",
        "[" * 9000,
    ],
)
def test_broken_json_is_inseparable(text):
    with pytest.raises(Inseparable):
        list(json_spans(text))


def test_a_name_that_stands_twice_is_found_twice():
    spans = list(json_spans('{"a": 1, "a": "x"}'))

    assert [(span.name, span.value, span.kind) for span in spans] == [
        ("a", b"1", "number"),
        ("a", b"x", "string"),
    ]


def test_the_kinds_of_json_values():
    text = '{"a": null, "b": true, "c": [1], "d": {}, "e": 1.5, "f": ""}'

    assert [span.kind for span in json_spans(text)] == [
        "word",
        "word",
        "nested",
        "nested",
        "number",
        "string",
    ]


def test_a_spliced_query_changes_in_its_place_only():
    text = "/p?a=%31&&b&msisdn=1+2&%6d=x"
    spans = [span for span in query_spans(text, 3) if span.name == "msisdn"]

    assert splice(text, [(spans[0], "+44 7")]) == "/p?a=%31&&b&msisdn=%2B44+7&%6d=x"


def test_spliced_json_changes_in_its_place_only():
    text = latin('{ "ü" : "\\u00fc" ,"n":1,"s":"x" }')
    _, number, string = json_spans(text)

    assert splice(text, [(number, "23"), (string, "y")]) == latin('{ "ü" : "\\u00fc" ,"n":23,"s":"y" }')
    assert splice(text, [(number, "a1")]) == latin('{ "ü" : "\\u00fc" ,"n":"a1","s":"x" }')


def test_a_span_shows_nothing():
    assert "0123456789" not in repr(list(query_spans("msisdn=0123456789")))
