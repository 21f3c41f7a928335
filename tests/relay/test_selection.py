import pytest

from devkit.relay.entry import RelayEntry
from devkit.relay.selection import Choice, Selection


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
