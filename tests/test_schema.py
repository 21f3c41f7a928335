"""The JSON Schema says what the loader does, but for the few rules that its comment names."""

import copy
import json
import re
from calendar import isleap
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from devkit.errors import FixtureError
from devkit.fixture import loads

SCHEMA = json.loads((files("devkit") / "schema" / "fixture-1.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)
SAMPLES = sorted((Path(__file__).parents[1] / "fixtures" / "samples").rglob("*.json"))
DOCUMENTS = [json.loads(path.read_bytes()) for path in SAMPLES]

TEXTS = st.one_of(
    st.text(max_size=4),
    st.text(st.characters(max_codepoint=0x101), max_size=4),
    st.sampled_from(
        ["", "GET", "/x", "G\n", "Host", "QQ==", "QR==", "QQ=", "QQ==\n", "Q===", "=", "QUI=QUI="]
    ),
    st.sampled_from(
        ["absent", "valid", "2026-02-28T23:59:59Z", "2026-04-31T00:00:00Z", "0000-01-01T00:00:00Z"]
    ),
    st.from_regex(
        r"[0-9]{4}-[0-3][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]([.][0-9]{1,7})?Z\n?", fullmatch=True
    ),
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 3), st.floats(allow_nan=False, allow_infinity=False), TEXTS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)


@st.composite
def mutated(draw: st.DrawFn) -> object:
    """A sample with one or two things in it replaced, removed or added."""
    document = copy.deepcopy(draw(st.sampled_from(DOCUMENTS)))
    for _ in range(draw(st.integers(1, 2))):
        holder = draw(st.sampled_from(holders(document)))
        if isinstance(holder, list):
            holder.insert(draw(st.integers(0, len(holder))), draw(VALUES))
            continue
        key = draw(st.sampled_from([*holder, "base64", "text", "tags", "redacted", "captured"]) | TEXTS)
        if key in holder and draw(st.booleans()):
            del holder[key]
        else:
            holder[key] = draw(VALUES)
    return document


def holders(document: object) -> list[dict[str, object] | list[object]]:
    if isinstance(document, dict):
        return [document, *(found for value in document.values() for found in holders(value))]
    if isinstance(document, list):
        return [document, *(found for value in document for found in holders(value))]
    return []


def is_beyond_a_schema(document: object) -> bool:
    """Whether the document breaks one of the rules that only the loader knows."""
    if not isinstance(document, dict):
        return False
    leap_day = re.match(r"(\d{4})-02-29", str(document.get("recorded_at")), re.ASCII)
    return isinstance(document.get("version"), float) or (
        leap_day is not None and not isleap(int(leap_day[1]))
    )


def loads_well(document: object) -> bool:
    try:
        loads(json.dumps(document).encode())
    except FixtureError:
        return False
    return True


def has_sound_copies(document: object) -> bool:
    """The loader never looks at what is derived; the schema says its type, for those who read it."""
    assert isinstance(document, dict)
    return isinstance(document.get("receipt", {}), dict) and isinstance(document.get("problem", ""), str)


def test_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("document", DOCUMENTS, ids=[path.stem for path in SAMPLES])
def test_schema_takes_every_sample(document: object) -> None:
    VALIDATOR.validate(document)


@given(mutated())
def test_schema_and_loader_agree(document: object) -> None:
    assume(not is_beyond_a_schema(document))

    assert VALIDATOR.is_valid(document) == (loads_well(document) and has_sound_copies(document))


@given(VALUES)
def test_both_refuse_what_is_no_fixture_at_all(document: object) -> None:
    assert not VALIDATOR.is_valid(document)
    assert not loads_well(document)


@given(st.sampled_from(["method", "target", "headers", "body", "recorded_at", "format", "version"]), VALUES)
def test_they_agree_on_each_required_value(key: str, value: object) -> None:
    document = copy.deepcopy(DOCUMENTS[0])
    (document["request"] if key in document["request"] else document)[key] = value
    assume(not is_beyond_a_schema(document))

    assert VALIDATOR.is_valid(document) == loads_well(document)


@given(
    st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=2),
    st.dictionaries(st.sampled_from(["text", "base64"]), TEXTS),
)
def test_they_agree_on_headers_and_body(headers: list[tuple[str, str]], body: dict[str, str]) -> None:
    document = copy.deepcopy(DOCUMENTS[0])
    document["request"] |= {"headers": [list(pair) for pair in headers], "body": body}

    assert VALIDATOR.is_valid(document) == loads_well(document)


@pytest.mark.parametrize(
    "moment", ["2024-02-29T00:00:00Z", "2026-02-28T00:00:00.1Z", "9999-12-31T23:59:59.999999Z"]
)
def test_both_take_a_real_time(moment: str) -> None:
    document = {**DOCUMENTS[0], "recorded_at": moment}

    assert VALIDATOR.is_valid(document)
    assert loads_well(document)


def test_both_keep_unknown_keys() -> None:
    document = {**DOCUMENTS[0], "$schema": "x", "mine": {"deep": [1]}}

    assert VALIDATOR.is_valid(document)
    assert loads(json.dumps(document).encode()).extra == {"$schema": "x", "mine": {"deep": [1]}}


TARGETS = {
    "/": True,
    "*": True,
    "": False,
    "/a b": False,
    "/\r": False,
    "/\n": False,
    "/\u0100": False,
    "/\u00ff\t": True,
}
METHODS = {"GET": True, "P!": True, "": False, "G T": False, "GET\n": False, "G\u00e9T": False}
VALUES_OF_HEADERS = {"": True, "\u00ff\t ": True, "a\n": False, "\r": False, "\0": False, "\u0100": False}
BASE64 = {"": True, "QQ==": True, "QUI=": True, "QUJD": True, "QQ=": False, "QQ": False, "=QQ=": False, "QQ==\n": False,
          "QQ==QQ==": False, "Q===": False, "Q!==": False}  # fmt: skip
TIMES = {
    "2026-01-31T23:59:59Z": True,
    "2026-04-30T00:00:00.5Z": True,
    "2026-04-31T00:00:00Z": False,
    "2026-02-30T00:00:00Z": False,
    "2026-13-01T00:00:00Z": False,
    "2026-01-00T00:00:00Z": False,
    "2026-01-01T00:60:00Z": False,
    "2026-01-01T00:00:60Z": False,
    "2026-01-01T00:00:00": False,
    "2026-01-01 00:00:00Z": False,
    "2026-01-01T00:00:00.1234567Z": False,
    "2026-01-01T00:00:00Z\n": False,
    "0000-01-01T00:00:00Z": False,
    "\u0662026-01-01T00:00:00Z": False,
}
REQUEST = {"method": "GET", "target": "/", "headers": [], "body": {"text": ""}}
Edge = tuple[str, object, bool]
EDGES: list[Edge] = [
    *(("recorded_at", value, sound) for value, sound in TIMES.items()),
    *(("request", {**REQUEST, "target": value}, sound) for value, sound in TARGETS.items()),
    *(("request", {**REQUEST, "method": value}, sound) for value, sound in METHODS.items()),
    *(("request", {**REQUEST, "headers": [[value, ""]]}, sound) for value, sound in METHODS.items()),
    *(
        ("request", {**REQUEST, "headers": [["X", value]]}, sound)
        for value, sound in VALUES_OF_HEADERS.items()
    ),
    *(("request", {**REQUEST, "body": {"base64": value}}, sound) for value, sound in BASE64.items()),
    *(
        ("request", {**REQUEST, "headers": [pair]}, False)
        for pair in ([], ["X"], ["X", "", ""], "XY", ["X", 1])
    ),
    *(("request", {key: REQUEST[key] for key in REQUEST if key != missing}, False) for missing in REQUEST),
    *(
        ("request", {**REQUEST, "body": body}, False)
        for body in ({}, {"text": "", "base64": ""}, {"x": ""}, "")
    ),
    ("request", {**REQUEST, "body": {"text": "", "more": 1}}, False),
    ("request", {**REQUEST, "more": 1}, True),
    *(("version", value, False) for value in (0, 2, -1, True, "1", None)),
    *(("signature", value, True) for value in ("absent", "valid", "invalid", "unchecked", None)),
    *(("signature", value, False) for value in ("", "VALID", 0, [])),
    *(("tags", value, False) for value in ("x", [1], None, {})),
    *(("redacted", value, False) for value in ("x", [], None)),
    *((key, value, False) for key in ("captured", "note") for value in (1, None, [])),
    ("format", "vonage-delivery-receipts", False),
]


@pytest.mark.parametrize(("key", "value", "sound"), EDGES)
def test_they_agree_at_the_edges(key: str, value: object, sound: bool) -> None:
    document = {**DOCUMENTS[0], key: value}

    assert VALIDATOR.is_valid(document) == sound
    assert loads_well(document) == sound


@pytest.mark.parametrize("key", ["format", "version", "recorded_at", "request"])
def test_both_want_every_required_key(key: str) -> None:
    document = {name: value for name, value in DOCUMENTS[0].items() if name != key}

    assert not VALIDATOR.is_valid(document)
    assert not loads_well(document)
