"""What is wrong in a fixture file, and on which line."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.check.fault import Fault, faults_in
from devkit.errors import FixtureError
from devkit.fixture import dumps, loads

SAMPLES = Path(__file__).parents[1] / "fixtures" / "samples"
SOUND = (SAMPLES / "signed-json.json").read_text()
LINES = SOUND.split("\n")


def line_of(beginning: str) -> int:
    return 1 + next(number for number, line in enumerate(LINES) if line.strip().startswith(beginning))


def faults(old: str, new: str) -> list[tuple[int, str]]:
    assert old in SOUND
    return [(fault.line, fault.what) for fault in faults_in(SOUND.replace(old, new, 1).encode())]


def test_example_in_the_docs_is_sound() -> None:
    example = (SAMPLES.parents[1] / "docs" / "fixtures.md").read_text().split("```json\n")[1].split("```")[0]

    assert faults_in(example.encode()) == []
    assert dumps(loads(example.encode())).decode() == example


def test_sound_file_has_no_fault() -> None:
    assert faults_in(SOUND.encode()) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ('"POST"', '"PO ST"', '"method"', '"method" holds characters'),
        ('"/webhooks', '"/web hooks', '"target"', '"target" holds characters'),
        ('["Accept", "*/*"]', '["Accept"]', '["Accept"', "not a list of [name, value] pairs"),
        ('"Accept"', '"Acc ept"', '["Accept"', "header name"),
        ("dlr.example.com", "dlr\\nexample.com", '["Host"', "value of header 'Host'"),
        ('"version": 1', '"version": 2', '"version"', "newer than this devkit"),
        ('"format"', '"fromat"', "{", 'no "format"'),
        ('"recorded_at": "2026-06-01', '"recorded_at": "2026-06-31', '"recorded_at"', "no real time"),
        ('"request"', '"requested"', "{", '"request" is not a JSON object'),
        ('"text": "{', '"base64": "{', '"text"', "not valid base64"),
        ('"body": {', '"body": {"base64": "",', '"body"', "exactly one of"),
        ('"signature": "valid"', '"signature": "fine"', '"signature"', "none of absent, valid"),
        ('["signature"]', '["signature", 4]', '"tags"', '"tags"'),
        ('"note": "', '"note": 7, "x": "', '"note"', '"note" is not text'),
        ('"note"', '"tags": [], "note"', '"note"', "'tags' stands twice"),
        ('"note"', '"x": 1e999, "note"', '"note"', "too large"),
        ('"note"', f'"x": {"9" * 5000}, "note"', '"note"', "too large"),
        ('"note"', '"x": NaN, "note"', '"note"', "NaN is not JSON"),
        ('"note"', f'"x": {"[" * 50}{"]" * 50}, "note"', '"note"', "nested too deeply"),
        ('"note"', "note", '"note"', "not JSON"),
        ('"dlr.example.com"', '"dlr\udcff.example.com"', '["Host"', "not UTF-8"),
        ('"AcmeInc",\n    "network-code"', '"Acme",\n    "network-code"', '"to"', "'to'"),
        ('"receipt"', '"recept"', '"request"', '"receipt" is missing'),
        ('"note"', '"problem": "so", "note"', '"note"', '"problem" has no place here'),
    ],
)
def test_fault_has_its_line(old: str, new: str, line: str, what: str) -> None:
    assert old in SOUND
    data = SOUND.replace(old, new, 1).encode("utf-8", "surrogateescape")

    (fault,) = faults_in(data)

    assert what in fault.what
    assert fault.line == line_of(line)


def test_line_of_a_key_in_a_nested_object_that_stands_twice() -> None:
    assert faults('"note"', '"x": {"a": 1,\n "a": 2},\n "note"') == [
        (line_of('"note"') + 1, "the key 'a' stands twice in one object")
    ]


def test_all_faults_are_told_in_the_order_of_lines() -> None:
    broken = SOUND.replace('"POST"', "7").replace('"Host"', '"Ho st"').replace('"version": 1', '"version": 0')

    assert [fault.line for fault in faults_in(broken.encode())] == [
        line_of('"version"'),
        line_of('"method"'),
        line_of('["Host"'),
    ]


def test_each_fault_keeps_its_own_words_whatever_the_loader_looks_at_first() -> None:
    broken = SOUND.replace("2026-06-01T", "2026-06-31T").replace('["signature"]', "7").replace('"POST"', "7")

    assert [(fault.line, fault.what.split()[0]) for fault in faults_in(broken.encode())] == [
        (line_of('"recorded_at"'), '"recorded_at"'),
        (line_of('"method"'), '"method"'),
        (line_of('"tags"'), '"tags"'),
    ]


def test_a_fault_of_several_lines_moves_none_of_the_others() -> None:
    broken = SOUND.replace('"POST"', "[\n1,\n2]").replace('"note"', '"captured": 1, "note"')

    assert [fault.line for fault in faults_in(broken.encode())] == [
        line_of('"method"'),
        line_of('"note"') + 2,
    ]


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"3", b"\xff", b"{}", b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000]
)
def test_what_is_no_fixture_at_all_has_line_1(data: bytes) -> None:
    (fault,) = faults_in(data)

    assert fault.line == 1


def test_stale_copy_names_the_fields_but_no_values() -> None:
    (fault,) = faults_in(SOUND.replace('"msisdn": "447700900000"', '"msisdn": "447700900999"').encode())

    assert fault.stale
    assert "'msisdn'" in fault.what
    assert "447700900" not in fault.what


def test_copy_in_another_order_is_stale() -> None:
    document = json.loads(SOUND)
    document["receipt"] = dict(reversed(document["receipt"].items()))

    (fault,) = faults_in(json.dumps(document).encode())

    assert fault.stale


def test_number_in_place_of_its_text_is_stale() -> None:
    assert [what for _, what in faults('"err-code": "0"', '"err-code": 0')] == [
        "\"receipt\" is stale: the request says otherwise in 'err-code'; write it anew with: devkit check --fix"
    ]


def test_another_layout_is_no_fault() -> None:
    document = json.loads(SOUND)

    assert faults_in(b"\xef\xbb\xbf" + json.dumps(document, indent=7).replace("\n", "\r\n").encode()) == []


def test_words_that_name_a_neighbour_do_not_lead_astray() -> None:
    assert [line for line, _ in faults('["Host", "dlr', '["H\u0101st", "dlr\\n')] == [line_of('["Host"')] * 2
    assert [line for line, _ in faults('["Host", "dlr', '["Hast", "\u0101')] == [line_of('["Host"')]


def test_faults_that_come_in_crowds_are_cut_off() -> None:
    headers = ", ".join(f'["X {number}", ""]' for number in range(50))

    assert len(faults('["Accept"', f'{headers}, ["Accept"')) == 20


@given(
    st.integers(0, len(SOUND)),
    st.integers(0, 30),
    st.text(max_size=6) | st.sampled_from(['"', "{", "}", "\n", ","]),
)
def test_whatever_the_loader_refuses_has_a_line(start: int, length: int, text: str) -> None:
    data = (SOUND[:start] + text + SOUND[start + length :]).encode()

    found = faults_in(data)

    assert all(1 <= fault.line <= data.count(b"\n") + 1 for fault in found)
    assert is_refused(data) == any(not fault.stale for fault in found)


@given(st.binary(max_size=60))
def test_no_bytes_break_it(data: bytes) -> None:
    assert all(isinstance(fault, Fault) for fault in faults_in(data))


def is_refused(data: bytes) -> bool:
    try:
        loads(data)
    except FixtureError:
        return True
    return False
