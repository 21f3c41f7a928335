"""Fields inside JSON objects are set and removed in place; every other byte stays."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.errors import FixtureError
from devkit.replay.transform import set_fields
from devkit.webhook.callback import Callback
from devkit.webhook.raw_fields import NotAnObject, change_json
from devkit.webhook.strict_json import InvalidJson

STATUS = b'{ "to" : "447700900000","error":{"title": "1000", "n":1.50 }, "list":[{"url":"a"}, 2],"status":"rejected"}'


@pytest.mark.parametrize(
    ("values", "unset", "old", "new"),
    [
        ({"error.title": "1240"}, (), b'"title": "1000"', b'"title": "1240"'),
        ({"error.title": 1240}, (), b'"title": "1000"', b'"title": 1240'),
        ({"error.detail": "ü"}, (), b'"n":1.50 }', '"n":1.50, "detail": "ü" }'.encode()),
        ({"list.0.url": "b"}, (), b'"url":"a"', b'"url":"b"'),
        ({"error.a.b": "c"}, (), b'"n":1.50 }', b'"n":1.50, "a": {"b": "c"} }'),
        ({"sms.keyword": "STOP"}, (), b'"rejected"}', b'"rejected","sms":{"keyword": "STOP"}}'),
        ({}, ("error.title",), b'"title": "1000", ', b""),
        ({}, ("error.title", "error.n"), b'"title": "1000", "n":1.50 ', b""),
        ({}, ("list.1",), b", 2]", b"]"),
        ({"status": "read"}, ("error.title",), b'"title": "1000", ', b""),
        ({}, ("error.missing", "no.such.field"), b"", b""),
        ({"error.n": "1"}, ("error.n",), b', "n":1.50', b""),
    ],
)
def test_it_changes_in_its_place(
    values: dict[str, object], unset: tuple[str, ...], old: bytes, new: bytes
) -> None:
    expected = STATUS.replace(old, new).replace(b"rejected", str(values.get("status", "rejected")).encode())

    changed = change_json(STATUS, values, unset)

    assert changed.replace(b" ", b"") == expected.replace(b" ", b"")
    assert json.loads(changed)
    assert changed.startswith(b'{ "to" : "447700900000",')


def test_new_objects_have_no_spaces_as_vonage_sends_them() -> None:
    changed = change_json(b'{"status":"rejected"}', {"error.title": "1240", "sms.a.b": "c"})

    assert changed == b'{"status":"rejected","error":{"title":"1240"},"sms":{"a":{"b":"c"}}}'


def test_a_field_with_a_dot_in_its_own_name_comes_first() -> None:
    assert change_json(b'{"a.b":"1","a":{"b":"2"}}', {"a.b": "3"}) == b'{"a.b":"3","a":{"b":"2"}}'
    assert change_json(b'{"a.b":"1","a":{"b":"2"}}', {}, ["a.b"]) == b'{"a":{"b":"2"}}'


def test_a_repeated_name_is_there_once_afterwards() -> None:
    assert change_json(b'{"a":{"b":1,"b":2}}', {"a.b": 3}) == b'{"a":{"b":3}}'


@pytest.mark.parametrize("name", ["to.number", "list.url", "list.5", "error.n.x"])
def test_a_name_that_leads_into_no_object_is_refused(name: str) -> None:
    parent = name.rpartition(".")[0]

    with pytest.raises(NotAnObject, match=rf"^{parent} is not an object, so it has no field"):
        change_json(STATUS, {name: "x"})


@pytest.mark.parametrize("levels", [41, 5000])
def test_a_name_that_leads_too_deep_is_refused(levels: int) -> None:
    with pytest.raises(NotAnObject, match=r"^b\.b\.b\..* is a field inside more than 40 objects"):
        change_json(b'{"a":1}', {".".join("b" * levels): "x"})


def test_the_user_is_told_which_field_it_is() -> None:
    callback = Callback("POST", "/", (("Content-Type", "application/json"),), STATUS)

    with pytest.raises(FixtureError) as raised:
        set_fields(callback, {"to.number": "447700900001"})

    assert raised.value.message == "to is not an object, so it has no field number."
    assert set_fields(callback, {"error.title": "1240"}).body == STATUS.replace(b"1000", b"1240")


names = st.text("abc", min_size=1, max_size=2)
objects = st.recursive(
    st.dictionaries(names, st.none() | st.integers() | st.text(max_size=3), max_size=3),
    lambda inner: st.dictionaries(names, inner, max_size=3),
)


@given(objects, st.lists(names, min_size=2, max_size=4).map(".".join), st.text(max_size=3))
def test_what_was_set_is_there_and_all_else_is_as_before(
    document: dict[str, object], name: str, value: str
) -> None:
    raw = json.dumps(document).encode()
    try:
        changed = json.loads(change_json(raw, {name: value}))
    except NotAnObject:
        return
    path = name.split(".")
    expected = json.loads(raw)
    place = expected
    for key in path[:-1]:
        place = place.setdefault(key, {})
    place[path[-1]] = value

    assert changed == expected


@given(st.binary(max_size=30), names)
def test_only_invalid_json_is_refused(raw: bytes, name: str) -> None:
    try:
        change_json(raw, {f"{name}.x": "1"})
    except InvalidJson:
        return
    assert isinstance(json.loads(raw.decode("utf-8-sig")), dict)
