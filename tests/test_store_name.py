"""The names of recorded files: safe, sorted, and read back."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.callback import compose
from devkit.fixture import Fixture
from devkit.message_id import from_file_name
from devkit.receipt import Receipt, Unreadable
from devkit.store import Entry, file_name, read_name, safe
from tests.arbitrary import any_text

MOMENT = datetime(2026, 11, 23, 13, 45, 47, 123456, UTC)
DELIVERED = Fixture(MOMENT, compose({"messageId": "0A0000001234567B", "status": "delivered"}, "form"))

UUID = "38eef590-711f-4360-a23d-80c38291eb1d"

moments = st.datetimes(timezones=st.just(UTC))
readings = st.builds(
    lambda status, message_id: Receipt({"status": status, "messageId": message_id}), any_text, any_text
) | st.just(Unreadable("why"))


@given(moments, readings)
def test_a_name_is_safe_on_every_file_system(moment: datetime, reading: Receipt | Unreadable) -> None:
    name = file_name(moment, reading)

    # It begins with digits, so it is neither hidden nor called CON or NUL; it holds no other dots than these two.
    assert re.fullmatch(r"[0-9]{6}\.[0-9]{6}Z-[A-Za-z0-9_]+-[A-Za-z0-9_]+-[0-9a-f]{6}\.json", name)
    assert len(name) <= 100


@pytest.mark.parametrize(
    "text",
    ["../../etc", "..\\..\\x", "/root", "C:", "NUL.", "a.b", "x y", "*?|<>", "日本", "\0", "-", "\u0664"],
)
def test_no_foreign_text_leaves_the_directory_or_makes_an_odd_name(text: str) -> None:
    name = file_name(MOMENT, Receipt({"status": text, "messageId": text}))

    assert re.fullmatch(r"134547\.123456Z-[A-Za-z0-9_]+-[A-Za-z0-9_]+-[0-9a-f]{6}\.json", name)
    assert Path(name).name == name


@given(moments, readings)
def test_a_name_can_be_read_back(moment: datetime, reading: Receipt | Unreadable) -> None:
    path = Path(moment.date().isoformat()) / file_name(moment, reading)
    status, message_id = "unparsed", "noid"
    if isinstance(reading, Receipt):
        status = safe(reading.status, 20) or status
        message_id = safe(reading.message_id, 40) or message_id

    assert read_name(path) == Entry(moment, path, status, from_file_name(message_id))


@given(st.lists(st.tuples(moments, readings), min_size=2, max_size=5, unique_by=lambda pair: pair[0]))
def test_paths_sort_by_time(drawn: list[tuple[datetime, Receipt | Unreadable]]) -> None:
    paths = {f"{moment.date()}/{file_name(moment, reading)}": moment for moment, reading in drawn}

    assert [paths[path] for path in sorted(paths)] == sorted(paths.values())


@pytest.mark.parametrize(
    "name",
    [
        "2026-11-23/delivered.json",
        "2026-11-23/.1234-0a1b2c3d.tmp",
        "2026-11-23/134547.123456Z-delivered-0A-0123ab.json.bak",
        "2026-11-23/134547.123456Z-delivered--0123ab.json",
        "2026-11-23/134547Z-delivered-0A-0123ab.json",
        "2026-11-23/996199.123456Z-delivered-0A-0123ab.json",
        "2026-02-30/134547.123456Z-delivered-0A-0123ab.json",
        "2026-W01-1/134547.123456Z-delivered-0A-0123ab.json",
        "samples/134547.123456Z-delivered-0A-0123ab.json",
        "134547.123456Z-delivered-0A-0123ab.json",
    ],
)
def test_a_file_that_devkit_did_not_name_is_none_of_its_entries(name: str) -> None:
    assert read_name(Path(name)) is None


def test_no_two_recordings_of_one_moment_share_a_name() -> None:
    names = {file_name(MOMENT, DELIVERED.read()) for _ in range(50)}

    assert len(names) == 50


@pytest.mark.parametrize("text", [UUID, UUID.upper()])
def test_the_dashes_of_a_uuid_are_underscores_in_a_name_and_come_back(text: str) -> None:
    name = file_name(MOMENT, Receipt({"status": "delivered", "messageId": text}))
    entry = read_name(Path("2026-11-23") / name)

    assert name.startswith(f"134547.123456Z-delivered-{text.replace('-', '_')}-")
    assert entry is not None
    assert entry.message_id == text


@pytest.mark.parametrize(
    ("typed", "fits"),
    [
        (UUID, True),
        ("38eef590", True),
        ("38EEF590-711f-4", True),
        ("38eef590_711f", True),
        ("", True),
        ("711f", False),
        ("38eef590-711e", False),
    ],
)
def test_an_entry_is_about_a_message_by_the_beginning_of_its_id(typed: str, fits: bool) -> None:
    assert Entry(MOMENT, Path("x"), "delivered", UUID).is_about(typed) is fits
