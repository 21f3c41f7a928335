from datetime import UTC, datetime
from pathlib import Path

import pytest

from devkit.errors import ConfigurationError, StoreError, UsageError
from devkit.relay.position import BEGINNING, Missing, PositionFile, find_missing, parse_start
from devkit.relay.stream import Span, entry_time

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MS = int(NOON.timestamp() * 1000)


def at(seconds: int, counter: int = 0) -> str:
    """The id of an entry so long after noon."""
    return f"{MS + seconds * 1000}-{counter}"


@pytest.fixture
def file(tmp_path: Path) -> PositionFile:
    return PositionFile(tmp_path / "relay-position.json")


def test_each_key_has_a_position_of_its_own(file: PositionFile) -> None:
    assert file.read("1a2b3c4d ada") == ""

    file.move("1a2b3c4d ada", "5-0")
    file.move("1a2b3c4d grace", "7-1")
    file.move("1a2b3c4d ada", "9-0")

    assert PositionFile(file.path).read("1a2b3c4d ada") == "9-0"
    assert file.read("1a2b3c4d grace") == "7-1"
    assert file.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"a": 1}', b'{"a": "x"}', b'{"a": "5-"}', b"\xff"])
def test_a_file_that_says_something_else_is_an_error_and_not_a_new_start(
    file: PositionFile, content: bytes
) -> None:
    file.path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"relay-position\.json does not say how far") as raised:
        file.read("ada")
    assert raised.value.hint.startswith("Delete it")
    with pytest.raises(ConfigurationError):
        file.move("ada", "5-0")
    assert file.path.read_bytes() == content


def test_a_position_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="could not be written") as raised:
        PositionFile(tmp_path / "gone" / "relay-position.json").move("ada", "5-0")
    assert "read again later" in raised.value.hint


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("start", BEGINNING),
        ("now", at(-60)),
        (at(-86000, 1), at(-86000, 1)),
        (str(MS - 86000000), at(-86000)),
        ("2h", f"{MS - 2 * 3600 * 1000 - 1}-18446744073709551615"),  # an entry of that millisecond is read
        ("3d", BEGINNING),  # older than all that is kept
        ("99999w", BEGINNING),
        ("5s", at(-60)),  # newer than the newest entry: the engine's clock may be behind
        (at(999), at(-60)),
        ("9999999999999999999-9999999999999999999", at(-60)),
    ],
)
def test_since_names_a_position(text: str, position: str) -> None:
    assert parse_start(text, NOON, Span(at(-86400), at(-60), 9)) == position


def test_now_in_an_empty_relay_is_its_beginning() -> None:
    assert parse_start("now", NOON, Span()) == parse_start("2h", NOON, Span()) == BEGINNING


@pytest.mark.parametrize("text", ["", "yesterday", "-5", "5-", "1" * 30, "\u202e2h", "2 hours ago"])
def test_any_other_text_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="--since does not take") as raised:
        parse_start(text, NOON, Span())
    assert "\u202e" not in raised.value.message


TRIMMED = Missing("trimmed", NOON, datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("position", "read", "first", "last", "missing"),
    [
        pytest.param(BEGINNING, at(30), at(30), at(30), None, id="from the beginning nothing is missing"),
        pytest.param(at(0), at(5), at(0), at(9), None, id="the position is still kept"),
        pytest.param(at(0), at(30), at(30), at(40), TRIMMED, id="trimmed past the position"),
        pytest.param(at(0), at(5), at(30), at(40), None, id="trimmed after it was read"),
        pytest.param(at(0), "", at(0), at(0), None, id="nothing new"),
        pytest.param(at(0), "", at(30), at(30), None, id="it came after the read, and is read next"),
        pytest.param(at(0), "", "", at(0), None, id="all is trimmed, and all was read"),
        pytest.param(at(0), "", "", at(30), TRIMMED, id="all is trimmed, also what was not read"),
        pytest.param(
            at(30), "", at(0), at(5), Missing("emptied", TRIMMED.until, TRIMMED.until), id="set back"
        ),
        pytest.param(at(30), "", "", "", Missing("emptied", TRIMMED.until, TRIMMED.until), id="deleted"),
        pytest.param(at(0, 5), "", at(0, 3), at(0, 4), Missing("emptied", NOON, NOON), id="by the counter"),
        pytest.param(at(0, 9), at(0, 10), at(0, 9), at(0, 10), None, id="ids are compared as numbers"),
    ],
)
def test_what_the_relay_no_longer_keeps_is_found(
    position: str, read: str, first: str, last: str, missing: Missing | None
) -> None:
    assert find_missing(position, read, first, last) == missing


def test_an_id_that_somebody_chose_has_a_time_too() -> None:
    assert entry_time(at(5)) == datetime(2026, 11, 23, 12, 0, 5, tzinfo=UTC)
    assert entry_time("18446744073709551615-0").year == 9999
