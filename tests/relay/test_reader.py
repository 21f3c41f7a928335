import os

import pytest

from devkit.relay.cipher import Cipher, TeamKey
from devkit.relay.entry import RelayEntry
from devkit.relay.position import BEGINNING
from devkit.relay.reader import Choice, RelayReader, Selection
from tests.support.memory_engine import MemoryEngine, relayed_receipt

KEY, FORMER_KEY = TeamKey(os.urandom(32)), TeamKey(os.urandom(32))


@pytest.fixture
def engine() -> MemoryEngine:
    return MemoryEngine()


def reader(engine: MemoryEngine, choice: Choice = "mine-and-unclaimed", *keys: TeamKey) -> RelayReader:
    return RelayReader(engine, Selection("ada", choice), Cipher(keys))


def test_mine_and_unclaimed_are_received_and_the_others_counted(engine: MemoryEngine) -> None:
    for number, who in enumerate(("ada", "", "grace", "ada")):
        engine.put(who, number)

    batch = reader(engine).read(0)

    assert [each.who for each in batch.received] == ["ada", "", "ada"]
    assert dict(batch.counts) == {"mine": 2, "unclaimed": 1, "others": 1}
    assert batch.position == engine.last
    assert batch.missing is None


def test_a_receipt_is_as_recorded_with_a_tag_that_names_its_owner(engine: MemoryEngine) -> None:
    engine.put("ada", 7)
    engine.put("", 8)

    mine, unclaimed = reader(engine).read(0).received

    assert mine.fixture.callback == relayed_receipt(7).callback
    assert mine.fixture.recorded_at == relayed_receipt(7).recorded_at
    assert mine.fixture.tags == ("who:ada",)
    assert unclaimed.fixture == relayed_receipt(8)


def test_the_position_is_the_callers_to_move(engine: MemoryEngine) -> None:
    engine.put("ada")
    following = reader(engine)

    assert following.read(0) == following.read(0)
    following.position = following.read(0).position

    assert following.read(0).received == []


def test_both_keys_are_read_during_a_change(engine: MemoryEngine) -> None:
    engine.put("ada", 1, cipher=Cipher((FORMER_KEY,)))
    engine.put("ada", 2, cipher=Cipher((KEY,)))

    batch = reader(engine, "mine", KEY, FORMER_KEY).read(0)

    assert len(batch.received) == 2


def test_nothing_after_an_entry_with_an_unknown_key_is_read(engine: MemoryEngine) -> None:
    first = engine.put("ada", 1, cipher=Cipher((KEY,)))
    other = engine.put("ada", 2, cipher=Cipher((FORMER_KEY,)))
    engine.put("ada", 3, cipher=Cipher((KEY,)))

    batch = reader(engine, "mine", KEY).read(0)

    assert batch.position == first
    assert len(batch.received) == 1
    assert batch.failure is not None
    assert other in batch.failure.message
    assert FORMER_KEY.id in batch.failure.message


def test_an_unknown_key_of_somebody_else_hinders_nobody(engine: MemoryEngine) -> None:
    engine.put("grace", 1, cipher=Cipher((FORMER_KEY,)))
    engine.put("ada", 2, cipher=Cipher((KEY,)))

    batch = reader(engine, "mine", KEY).read(0)

    assert batch.failure is None
    assert [each.who for each in batch.received] == ["ada"]


def test_skip_leaves_out_what_cannot_be_read_and_counts_it(engine: MemoryEngine) -> None:
    engine.put("ada", 1, cipher=Cipher((FORMER_KEY,)))
    engine.append([{b"v": b"9"}])
    last = engine.put("ada", 3, cipher=Cipher((KEY,)))
    following = reader(engine, "mine", KEY)
    following.skip = True

    batch = following.read(0)

    assert dict(batch.counts) == {"unreadable": 2, "mine": 1}
    assert [FORMER_KEY.id in each.message for each in batch.skipped] == [True, False]
    assert batch.position == last


def test_an_emptied_relay_is_read_from_its_beginning(engine: MemoryEngine) -> None:
    for number in range(3):
        engine.put("ada", number)
    following = reader(engine)
    following.position = engine.last
    engine.empty()
    engine.put("ada", 9, entry_id="5-0")

    emptied = following.read(0)
    assert emptied.missing
    assert emptied.missing.kind == "emptied"
    assert emptied.position == BEGINNING
    following.position = emptied.position

    assert [each.id for each in following.read(0).received] == ["5-0"]


def test_what_was_trimmed_is_missing_and_the_rest_is_read(engine: MemoryEngine) -> None:
    first = engine.put("ada", 1)
    following = reader(engine)
    following.position = first
    for number in range(2, 6):
        engine.put("ada", number)
    engine.trim(2)

    batch = following.read(0)

    assert batch.missing
    assert batch.missing.kind == "trimmed"
    assert len(batch.received) == 2


def entry(who: str, message_id: str = "0A01") -> RelayEntry:
    return RelayEntry(who, message_id, "delivered", "2026-11-23T12:00:00.000000Z", "r1", "", b"")


@pytest.mark.parametrize(
    ("choice", "taken"),
    [
        ("mine-and-unclaimed", ["ada", "ada.laptop", ""]),
        ("mine", ["ada", "ada.laptop"]),
        ("all", ["ada", "ada.laptop", "", "grace", "adam", "grace.ada"]),
    ],
)
def test_a_choice_takes_its_receipts_and_no_others(choice: Choice, taken: list[str]) -> None:
    selection = Selection("ada", choice)

    everybody = ["ada", "ada.laptop", "", "grace", "adam", "grace.ada"]
    assert [who for who in everybody if selection.takes(entry(who))] == taken


def test_a_job_takes_only_its_own() -> None:
    selection = Selection("ci.4711", "mine")

    assert [who for who in ("ci", "ci.4711", "ci.4712", "") if selection.takes(entry(who))] == ["ci.4711"]


def test_a_message_of_another_member_is_taken() -> None:
    selection = Selection("ada", message_ids=frozenset({"0A01"}))

    assert selection.takes(entry("grace"))
    assert not selection.takes(entry("ada", "0A02"))


def test_each_choice_has_a_position_of_its_own() -> None:
    choices: list[Choice] = ["mine-and-unclaimed", "mine", "all"]

    assert len({Selection("ada", choice).key for choice in choices}) == 3
    assert Selection("ada").key != Selection("grace").key
