"""The list: names where they will do, few files otherwise, pages that neither skip nor repeat."""

import os
from pathlib import Path

import pytest

from devkit.errors import UsageError
from devkit.fixture.store import Store
from devkit.inspector.index import Index, Row, Rows, key_of
from devkit.inspector.search import Query, find_messages, find_rows, read_query
from devkit.webhook.callback import Callback
from tests.support.inspector_server import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(Store(tmp_path))


class Reading(Rows):
    """Rows that tell which files were opened."""

    opened: list[str]

    def _load(self, key: str) -> Row | None:
        self.opened.append(key)
        return super()._load(key)


def reading(desk: Desk, limit: int = 20_000) -> Reading:
    rows = Reading(desk.store, limit=limit)
    rows.opened = []
    return rows


def found(desk: Desk, **query: str) -> list[str]:
    """The ids of the messages that a query finds, newest first."""
    index = Index(desk.store)
    index.refresh()
    page = find_messages(index, Rows(desk.store), read_query(query), desk.now)
    return [message.latest.message_id for message in page.messages]


def test_messages_are_listed_by_their_newest_receipt(desk: Desk) -> None:
    desk.receipt("accepted", "A")
    desk.receipt("accepted", "B")
    desk.receipt("delivered", "A")

    assert found(desk) == ["A", "B"]


def test_receipts_without_a_message_id_are_each_on_their_own(desk: Desk) -> None:
    desk.fields({"status": "delivered"})
    desk.fields({"status": "delivered"})

    assert found(desk) == ["", ""]


def test_a_message_has_the_status_that_counts_whatever_came_last(desk: Desk) -> None:
    desk.receipt("failed", "A", "9")
    desk.receipt("buffered", "A")
    index = Index(desk.store)
    index.refresh()

    (message,) = find_messages(index, Rows(desk.store), Query(), desk.now).messages

    assert (message.status, message.total, message.stages) == ("failed", 2, ["buffered", "final"])
    assert message.decisive.meaning == "Illegal Number"


def test_a_status_is_looked_for_in_names_and_only_shown_files_are_opened(desk: Desk) -> None:
    for number in range(30):
        desk.receipt("delivered" if number % 10 else "failed", f"{number}", "0")
    index, rows = Index(desk.store), reading(desk)
    index.refresh()

    page = find_messages(index, rows, Query(status="failed"), desk.now)

    assert [message.latest.message_id for message in page.messages] == ["20", "10", "0"]
    assert len(rows.opened) == 3


def test_a_status_means_the_one_that_counts_now(desk: Desk) -> None:
    desk.receipt("accepted", "A")
    desk.receipt("delivered", "A")
    desk.receipt("accepted", "B")

    assert found(desk, status="accepted") == ["B"]


def test_an_undocumented_status_can_be_looked_for(desk: Desk) -> None:
    desk.receipt("sent to the moon", "A")

    assert found(desk, status="sent to the moon") == ["A"]


def test_err_code_and_signature_are_looked_for_in_the_files(desk: Desk) -> None:
    desk.receipt("failed", "A", "9")
    desk.receipt("failed", "B", "99")
    desk.receipt("failed", "C", "9", sig="wrong", timestamp="1")

    assert found(desk, **{"err-code": "9"}) == ["C", "A"]
    assert found(desk, signature="unchecked") == ["C"]
    assert found(desk, signature="absent", **{"err-code": "9"}) == ["A"]


@pytest.mark.parametrize(
    "words",
    [
        "447700900123",
        "900123",
        "Login-77",
        "illegal number",
        "NUMBER login",
        "err-code=9",
        "network-code=23410 login",
    ],
)
def test_words_are_looked_for_in_all_fields_and_in_the_meaning(desk: Desk, words: str) -> None:
    desk.receipt("failed", "A", "9", msisdn="447700900123", client_ref="login-77")
    desk.receipt("delivered", "B", msisdn="447700900456")

    assert found(desk, q=words) == ["A"]


def test_all_words_must_stand_in_one_receipt(desk: Desk) -> None:
    desk.receipt("accepted", "A", client_ref="alpha")
    desk.receipt("delivered", "A", client_ref="omega")

    assert found(desk, q="alpha omega") == []


def test_kinds_tell_receipts_from_what_cannot_be_read(desk: Desk) -> None:
    desk.receipt("delivered", "A")
    desk.callback(Callback("POST", "/webhooks/delivery-receipt", (), b"[1]"))

    assert found(desk, kind="receipt") == ["A"]
    assert found(desk, kind="unreadable") == [""]
    assert found(desk, q="json array") == []
    assert found(desk, q="[1]") == [""]


def test_a_time_ends_the_list_without_opening_what_is_older(desk: Desk) -> None:
    desk.receipt("delivered", "A", seconds=1)
    desk.receipt("delivered", "B", seconds=3600)
    desk.receipt("delivered", "C", seconds=60)

    assert found(desk, within="10m") == ["C", "B"]
    assert found(desk, within="30d") == ["C", "B", "A"]


@pytest.mark.parametrize("values", [{"kind": "nonsense"}, {"within": "yesterday"}, {"signature": "good"}])
def test_a_filter_that_there_is_not_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        read_query(values)


def test_pages_neither_skip_nor_repeat(desk: Desk) -> None:
    for number in range(23):
        desk.receipt("accepted", f"{number}")
        desk.receipt("delivered", f"{number // 2}")
    index, rows = Index(desk.store), Rows(desk.store)
    index.refresh()

    seen: list[str] = []
    before = ""
    while True:
        page = find_messages(index, rows, Query(before=before), desk.now, limit=4)
        seen += [message.latest.message_id for message in page.messages]
        before = page.next
        if not before:
            break

    assert sorted(seen, key=int) == [str(number) for number in range(23)]


def test_a_search_stops_half_way_and_goes_on_where_it_stopped(desk: Desk) -> None:
    desk.receipt("failed", "A", "9", client_ref="needle")
    for number in range(20):
        desk.receipt("delivered", f"{number}")
    index, rows = Index(desk.store), reading(desk)
    index.refresh()

    query, looks = Query(text="needle"), 0
    page = find_messages(index, rows, query, desk.now, budget=5)
    while page.stopped:
        looks += 1
        page = find_messages(index, rows, Query(text="needle", before=page.next), desk.now, budget=5)

    assert [message.latest.message_id for message in page.messages] == ["A"]
    assert looks == 4
    assert len(rows.opened) == 21


def test_what_was_read_is_remembered_and_the_memory_is_bounded(desk: Desk) -> None:
    keys = [desk.receipt("delivered", f"{number}") for number in range(6)]
    rows = reading(desk, limit=4)

    for key in (*keys, keys[-1], keys[0]):
        assert rows.read(key) is not None

    assert len(rows.opened) == 7
    assert sum(map(rows.knows, keys)) == 4


def test_a_message_with_thousands_of_receipts_opens_only_the_newest(desk: Desk) -> None:
    for _ in range(40):
        desk.receipt("delivered", "A")
    index, rows = Index(desk.store), reading(desk)
    index.refresh()

    (message,) = find_messages(index, rows, Query(), desk.now).messages

    assert (message.total, len(rows.opened)) == (40, 12)


def test_single_receipts_can_be_listed_too(desk: Desk) -> None:
    desk.receipt("accepted", "A")
    desk.receipt("delivered", "A")
    index = Index(desk.store)
    index.refresh()

    page = find_rows(index, Rows(desk.store), Query(), desk.now, limit=1)
    last = find_rows(index, Rows(desk.store), Query(before=page.next), desk.now, limit=1)

    assert [message.status for message in (*page.messages, *last.messages)] == ["delivered", "accepted"]
    assert last.next == ""


def test_a_file_that_has_gone_or_is_damaged_does_not_stop_the_list(desk: Desk) -> None:
    gone, damaged, kept = (desk.receipt("delivered", name) for name in "ABC")
    index, rows = Index(desk.store), Rows(desk.store)
    index.refresh()
    (desk.store.recorded / gone).unlink()
    (desk.store.recorded / damaged).write_bytes(b"{")

    messages = find_messages(index, rows, Query(), desk.now).messages

    assert [message.key for message in messages] == [kept, damaged]
    assert "cannot be read" in messages[1].latest.problem


class Ticking:
    """A clock that goes on a step each time that it is asked."""

    def __init__(self) -> None:
        self.time = 0.0
        self.step = 0.0

    def __call__(self) -> float:
        self.time += self.step
        return self.time


def unnoticed(desk: Desk) -> None:
    """A receipt in the newest day, with the directory's time as it was before."""
    day = desk.store.days()[0]
    known = os.stat(day)
    desk.receipt()
    os.utime(day, ns=(known.st_atime_ns, known.st_mtime_ns))


def test_only_days_that_changed_are_listed_again(desk: Desk) -> None:
    desk.receipt()
    index = Index(desk.store, wall=lambda: 10**20)  # long after the directories' own times
    index.refresh()
    unnoticed(desk)
    index.refresh()
    assert index.count() == 1

    desk.receipt()
    index.refresh()
    assert index.count() == 3


def test_a_change_just_before_a_look_is_looked_at_again(desk: Desk) -> None:
    desk.receipt()
    (day,) = desk.store.days()
    index = Index(desk.store, wall=lambda: os.stat(day).st_mtime_ns)
    index.refresh()
    unnoticed(desk)  # as a coarse clock would leave it

    index.refresh()

    assert index.count() == 2


def test_a_huge_day_is_listed_at_most_a_twentieth_of_the_time(desk: Desk) -> None:
    clock = Ticking()
    clock.step = 0.1  # the listing seems to take so long
    index = Index(desk.store, clock=clock)
    desk.receipt()
    index.refresh()
    clock.step = 0
    desk.receipt()

    index.refresh()
    assert index.count() == 1

    clock.time += 2
    index.refresh()
    assert index.count() == 2


def test_what_was_deleted_is_forgotten(desk: Desk) -> None:
    first, second = desk.receipt("accepted", "A"), desk.receipt("delivered", "A", seconds=86400)
    index = Index(desk.store)
    index.refresh()
    assert index.message_of(first) == (first, second)

    (desk.store.recorded / first).unlink()
    (desk.store.recorded / first).parent.rmdir()
    index.refresh()

    assert index.message_of(second) == (second,)
    assert list(index.newest_first()) == [second]


def test_a_message_goes_over_midnight(desk: Desk) -> None:
    keys = tuple(desk.receipt("accepted", "A", seconds=30_000) for _ in range(4))
    index = Index(desk.store)
    index.refresh()

    assert index.message_of(keys[0]) == keys
    assert list(index.newest_first(keys[2])) == [keys[1], keys[0]]


def test_files_that_devkit_did_not_name_are_passed_over(desk: Desk) -> None:
    key = desk.receipt()
    (desk.store.recorded / key).with_name("notes.json").write_text("{}")
    index = Index(desk.store)
    index.refresh()

    assert list(index.newest_first()) == [key]


def test_a_path_of_an_event_becomes_a_key(desk: Desk) -> None:
    key = desk.receipt()

    assert key_of(desk.store, str(desk.store.recorded / key)) == key
    assert key_of(desk.store, "") == key_of(desk.store, "elsewhere/x.json") == ""
