"""The list: made from names where possible, with few open files, in pages that neither skip nor repeat."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from devkit.errors import UsageError
from devkit.fixture.response_log import Responses
from devkit.inspector.conversation import Conversations
from devkit.inspector.index import Index, Rows, key_of
from devkit.inspector.row import Row
from devkit.inspector.search import Query, Search, read_query
from devkit.webhook.callback import Callback
from devkit.webhook.timeline import SentMessage
from tests.support.inspector_server import Recordings


class Reading(Rows):
    """Rows that tell which files were opened."""

    opened: list[str]

    def _load(self, key: str) -> Row | None:
        self.opened.append(key)
        return super()._load(key)


def reading(recordings: Recordings, limit: int = 20_000) -> Reading:
    rows = Reading(recordings.store, limit=limit)
    rows.opened = []
    return rows


def indexed(recordings: Recordings) -> Index:
    """The index of what is recorded until now."""
    index = Index(recordings.store)
    index.refresh()
    return index


def search_in(
    recordings: Recordings, index: Index | None = None, rows: Rows | None = None, budget: int = 2_000
) -> Search:
    index, rows = index or indexed(recordings), rows or Rows(recordings.store)
    return Search(index, rows, Responses(), recordings.clock, budget)


def found(recordings: Recordings, **query: str) -> list[str]:
    """The ids of the messages that a query finds, newest first."""
    page = search_in(recordings).messages(read_query(query))
    return [message.latest.message_id for message in page.messages]


def test_messages_are_listed_by_their_newest_receipt(recordings: Recordings) -> None:
    recordings.receipt("accepted", "A")
    recordings.receipt("accepted", "B")
    recordings.receipt("delivered", "A")

    assert found(recordings) == ["A", "B"]


def test_a_receipt_without_a_message_id_has_its_own_entry(recordings: Recordings) -> None:
    recordings.fields({"status": "delivered"})
    recordings.fields({"status": "delivered"})

    assert found(recordings) == ["", ""]


def test_a_message_has_its_current_status_in_any_order(recordings: Recordings) -> None:
    recordings.receipt("failed", "A", "9")
    recordings.receipt("buffered", "A")

    (message,) = search_in(recordings).messages(Query()).messages

    assert (message.status, message.total, message.stages) == ("failed", 2, ["buffered", "final"])
    assert message.decisive.meaning == "Illegal Number"


def test_a_status_is_searched_for_in_names_and_only_shown_files_are_opened(recordings: Recordings) -> None:
    for number in range(30):
        recordings.receipt("delivered" if number % 10 else "failed", f"{number}", "0")
    rows = reading(recordings)

    page = search_in(recordings, rows=rows).messages(Query(status="failed"))

    assert [message.latest.message_id for message in page.messages] == ["20", "10", "0"]
    assert len(rows.opened) == 3


def test_a_status_filter_means_the_current_status(recordings: Recordings) -> None:
    recordings.receipt("accepted", "A")
    recordings.receipt("delivered", "A")
    recordings.receipt("accepted", "B")

    assert found(recordings, status="accepted") == ["B"]


def test_an_undocumented_status_can_be_filtered_for(recordings: Recordings) -> None:
    recordings.receipt("sent to the moon", "A")

    assert found(recordings, status="sent to the moon") == ["A"]


def test_err_code_and_signature_are_searched_for_in_the_files(recordings: Recordings) -> None:
    recordings.receipt("failed", "A", "9")
    recordings.receipt("failed", "B", "99")
    recordings.receipt("failed", "C", "9", sig="wrong", timestamp="1")

    assert found(recordings, **{"err-code": "9"}) == ["C", "A"]
    assert found(recordings, signature="unchecked") == ["C"]
    assert found(recordings, signature="absent", **{"err-code": "9"}) == ["A"]


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
def test_words_are_searched_for_in_all_fields_and_in_the_meaning(recordings: Recordings, words: str) -> None:
    recordings.receipt("failed", "A", "9", msisdn="447700900123", client_ref="login-77")
    recordings.receipt("delivered", "B", msisdn="447700900456")

    assert found(recordings, q=words) == ["A"]


def test_all_words_must_be_in_one_receipt(recordings: Recordings) -> None:
    recordings.receipt("accepted", "A", client_ref="alpha")
    recordings.receipt("delivered", "A", client_ref="omega")

    assert found(recordings, q="alpha omega") == []


def test_kinds_separate_receipts_and_unreadable_requests(recordings: Recordings) -> None:
    recordings.receipt("delivered", "A")
    recordings.callback(Callback("POST", "/webhooks/delivery-receipt", (), b"[1]"))

    assert found(recordings, kind="receipt") == ["A"]
    assert found(recordings, kind="unreadable") == [""]
    assert found(recordings, q="json array") == []
    assert found(recordings, q="[1]") == [""]


def test_a_duration_ends_the_list_without_opening_older_files(recordings: Recordings) -> None:
    recordings.receipt("delivered", "A", seconds=1)
    recordings.receipt("delivered", "B", seconds=3600)
    recordings.receipt("delivered", "C", seconds=60)

    assert found(recordings, within="10m") == ["C", "B"]
    assert found(recordings, within="30d") == ["C", "B", "A"]
    assert found(recordings, within="60000w") == ["C", "B", "A"]  # a year with three digits


def sent(*parts: str) -> dict[str, SentMessage]:
    message = SentMessage(datetime(2026, 11, 23, 13, 45, tzinfo=UTC), parts)
    return dict.fromkeys(parts, message)


def test_the_parts_of_a_text_are_one_message(recordings: Recordings) -> None:
    for part in ("A1", "A2"):
        recordings.receipt("accepted", part)
    recordings.receipt("delivered", "A1")
    other = recordings.receipt("delivered", "B")
    index = indexed(recordings)

    def listed(**query: str) -> list[tuple[str, str, int, list[str]]]:
        page = search_in(recordings, index).messages(read_query(query))
        return [(each.key, each.status, each.total, list(each.parts)) for each in page.messages]

    assert len(listed()) == index.message_count() == 3
    index.group(sent("A1", "A2"))
    text = ("accepted", 3, ["delivered", "accepted"])
    assert [each[1:] for each in listed()] == [("delivered", 1, []), text]
    assert index.message_count() == 2
    assert [each[1:] for each in listed(status="accepted")] == [text]
    assert [each[0] for each in listed(status="delivered")] == [other]
    last = recordings.receipt("delivered", "A2")
    index.refresh()
    assert listed(status="delivered")[0] == (last, "delivered", 4, ["delivered", "delivered"])
    assert len(index.message_of(last)) == 4
    assert len(index.part_of(last)) == 2


def test_a_text_counts_until_the_last_receipt_of_its_last_part(recordings: Recordings) -> None:
    recordings.receipt("accepted", "A1")
    recordings.receipt("delivered", "A1", seconds=2)
    index = indexed(recordings)
    index.group(sent("A1", "A2"))

    def delay() -> timedelta | None:
        return search_in(recordings, index).messages(Query()).messages[0].delay

    assert delay() is None
    (message,) = search_in(recordings, index).messages(Query()).messages
    assert (message.status, message.stages) == ("sent", ["accepted"])
    recordings.receipt("delivered", "A2", seconds=3)
    index.refresh()
    assert delay() == timedelta(seconds=5)


def test_an_interval_finds_the_messages_with_a_receipt_in_it(recordings: Recordings) -> None:
    recordings.receipt("accepted", "A", seconds=60)  # 13:46
    recordings.receipt("accepted", "B", seconds=60)  # 13:47
    recordings.receipt("delivered", "A", seconds=60)  # 13:48

    def between(start: str, end: str) -> list[str]:
        return found(recordings, within=f"2026-11-23T{start}:00Z/2026-11-23T{end}:00Z")

    assert between("13:46", "13:47") == ["A"]
    assert between("13:47", "13:48") == ["B"]
    assert between("13:46", "13:49") == ["A", "B"]
    assert between("13:49", "14:00") == []
    assert found(recordings, within="2026-11-23T15:47:00+02:00/2026-11-23T15:48:00+02:00") == ["B"]


@pytest.mark.parametrize("text", ["1/2", "2026-11-23T13:46:00Z/", "/", "2026-11-23/2026-11-24/2026-11-25"])
def test_a_wrong_interval_is_named(recordings: Recordings, text: str) -> None:
    with pytest.raises(UsageError, match="Not a duration or two times") as caught:
        found(recordings, within=text)
    assert "2026-11-23T12:20:00Z/" in caught.value.hint


@pytest.mark.parametrize("values", [{"kind": "nonsense"}, {"within": "yesterday"}, {"signature": "good"}])
def test_an_unknown_filter_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        read_query(values)


def test_pages_neither_skip_nor_repeat(recordings: Recordings) -> None:
    for number in range(23):
        recordings.receipt("accepted", f"{number}")
        recordings.receipt("delivered", f"{number // 2}")
    search = search_in(recordings)

    seen: list[str] = []
    before = ""
    while True:
        page = search.messages(Query(before=before), limit=4)
        seen += [message.latest.message_id for message in page.messages]
        before = page.next
        if not before:
            break

    assert sorted(seen, key=int) == [str(number) for number in range(23)]


def test_a_search_pauses_and_continues(recordings: Recordings) -> None:
    recordings.receipt("failed", "A", "9", client_ref="needle")
    for number in range(20):
        recordings.receipt("delivered", f"{number}")
    rows = reading(recordings)
    search, looks = search_in(recordings, rows=rows, budget=5), 0

    page = search.messages(Query(text="needle"))
    while page.stopped:
        looks += 1
        page = search.messages(Query(text="needle", before=page.next))

    assert [message.latest.message_id for message in page.messages] == ["A"]
    assert looks == 4
    assert len(rows.opened) == 21


def test_rows_are_cached_and_the_cache_is_bounded(recordings: Recordings) -> None:
    keys = [recordings.receipt("delivered", f"{number}") for number in range(6)]
    rows = reading(recordings, limit=4)

    for key in (*keys, keys[-1], keys[0]):
        assert rows.read(key) is not None

    assert len(rows.opened) == 7
    assert sum(map(rows.knows, keys)) == 4


def test_a_message_with_thousands_of_receipts_opens_only_the_newest(recordings: Recordings) -> None:
    for _ in range(40):
        recordings.receipt("delivered", "A")
    rows = reading(recordings)

    (message,) = search_in(recordings, rows=rows).messages(Query()).messages

    assert (message.total, len(rows.opened)) == (40, 12)


def test_single_receipts_can_be_listed_too(recordings: Recordings) -> None:
    recordings.receipt("accepted", "A")
    recordings.receipt("delivered", "A")
    search = search_in(recordings)

    page = search.receipts(Query(), limit=1)
    last = search.receipts(Query(before=page.next), limit=1)

    assert [message.status for message in (*page.messages, *last.messages)] == ["delivered", "accepted"]
    assert last.next == ""


def test_a_deleted_or_damaged_file_does_not_stop_the_list(recordings: Recordings) -> None:
    gone, damaged, kept = (recordings.receipt("delivered", name) for name in "ABC")
    search = search_in(recordings)
    (recordings.store.recorded / gone).unlink()
    (recordings.store.recorded / damaged).write_bytes(b"{")

    messages = search.messages(Query()).messages

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


def unnoticed(recordings: Recordings) -> None:
    """A receipt in the newest day, with the directory's time as it was before."""
    day = recordings.store.days()[0]
    known = os.stat(day)
    recordings.receipt()
    os.utime(day, ns=(known.st_atime_ns, known.st_mtime_ns))


def test_only_days_that_changed_are_listed_again(recordings: Recordings) -> None:
    recordings.receipt()
    index = Index(recordings.store, wall=lambda: 10**20)  # long after the directories' own times
    index.refresh()
    unnoticed(recordings)
    index.refresh()
    assert index.count() == 1

    recordings.receipt()
    index.refresh()
    assert index.count() == 3


def test_a_change_just_before_a_listing_is_listed_again(recordings: Recordings) -> None:
    recordings.receipt()
    (day,) = recordings.store.days()
    index = Index(recordings.store, wall=lambda: os.stat(day).st_mtime_ns)
    index.refresh()
    unnoticed(recordings)  # as a coarse clock would leave it

    index.refresh()

    assert index.count() == 2


def test_a_huge_day_is_listed_at_most_a_twentieth_of_the_time(recordings: Recordings) -> None:
    clock = Ticking()
    clock.step = 0.1  # the listing seems to take so long
    index = Index(recordings.store, clock=clock)
    recordings.receipt()
    index.refresh()
    clock.step = 0
    recordings.receipt()

    index.refresh()
    assert index.count() == 1

    clock.time += 2
    index.refresh()
    assert index.count() == 2


def test_a_deleted_file_is_removed_from_the_index(recordings: Recordings) -> None:
    first, second = recordings.receipt("accepted", "A"), recordings.receipt("delivered", "A", seconds=86400)
    index = indexed(recordings)
    assert index.message_of(first) == (first, second)

    (recordings.store.recorded / first).unlink()
    (recordings.store.recorded / first).parent.rmdir()
    index.refresh()

    assert index.message_of(second) == (second,)
    assert list(index.newest_first()) == [second]


def test_a_message_can_span_midnight(recordings: Recordings) -> None:
    keys = tuple(recordings.receipt("accepted", "A", seconds=30_000) for _ in range(4))
    index = indexed(recordings)

    assert index.message_of(keys[0]) == keys
    assert list(index.newest_first(keys[2])) == [keys[1], keys[0]]


def test_files_with_other_names_are_ignored(recordings: Recordings) -> None:
    key = recordings.receipt()
    (recordings.store.recorded / key).with_name("notes.json").write_text("{}")
    index = indexed(recordings)

    assert list(index.newest_first()) == [key]


def test_a_path_of_an_event_becomes_a_key(recordings: Recordings) -> None:
    key = recordings.receipt()

    assert key_of(recordings.store, str(recordings.store.recorded / key)) == key
    assert key_of(recordings.store, "") == key_of(recordings.store, "elsewhere/x.json") == ""


def test_inbound_messages_are_found_by_their_names_and_each_is_read_once(recordings: Recordings) -> None:
    keys = recordings.parts(("a", "b"), [1, 2])
    recordings.many(30)
    index, rows, conversations = Index(recordings.store), reading(recordings, limit=1), Conversations()
    for _ in range(2):
        index.refresh()
        conversations.refresh(index, rows)
    index.group({}, conversations.names)
    assert rows.opened == keys

    page = search_in(recordings, index, rows).messages(Query(kind="sms-inbound"))

    assert [message.total for message in page.messages] == [2]
    assert set(rows.opened) == set(keys)


def test_the_index_knows_when_an_inbound_message_came_or_went(recordings: Recordings) -> None:
    version = Index(recordings.store).inbound_version
    recordings.many(3)
    index = indexed(recordings)

    assert (index.inbound_version, index.inbound_keys(10)) == (version, [])
    key = recordings.inbound("Hi", "0B1")
    index.refresh()
    assert (index.inbound_version, index.inbound_keys(10)) == (version + 1, [key])
    recordings.store.recorded.joinpath(key).unlink()
    index.refresh()
    assert (index.inbound_version, index.inbound_keys(10)) == (version + 2, [])
