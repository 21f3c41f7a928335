"""News for pages: in order, bounded, told at once to a few, and never in anybody's way."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import pytest

from devkit.event import Notice, Probe, Registered, Sent
from devkit.inspector import Feed
from devkit.receipt import Receipt
from devkit.store import Store
from tests.inspected import Desk, Stream, inspected, stream, taken
from tests.wire import DEADLINE

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def feed() -> Feed:
    return Feed(lambda: NOW)


def texts(happenings: object) -> list[str]:
    return [each.event.text for each in happenings]  # type: ignore[attr-defined]


def test_events_are_numbered_and_kept_in_order(feed: Feed) -> None:
    for number in range(3):
        feed.publish(Notice(f"{number}"))

    batch = feed.after(1)

    assert (texts(batch.happenings), batch.last, batch.lost) == (["1", "2"], 3, False)
    assert feed.after(3).happenings == ()


def test_a_page_that_was_away_for_too_long_is_told_so(feed: Feed) -> None:
    for number in range(2_500):
        feed.publish(Notice(f"{number}"))

    batch = feed.after(1)

    assert (len(batch.happenings), batch.lost) == (2_000, True)


@pytest.mark.parametrize("number", [-1, 99])
def test_a_number_that_never_was_means_everything_may_be_new(feed: Feed, number: int) -> None:
    feed.publish(Notice("one"))

    assert feed.after(number).lost


def test_many_receipts_do_not_wash_the_one_probe_away(feed: Feed) -> None:
    feed.publish(Probe("Vonage"))
    for _ in range(3_000):
        feed.publish(taken(Path("x"), Receipt({})))

    assert len(feed.kept("probe")) == 1
    assert len(feed.kept("receipt")) == 1_000


def test_a_replay_is_a_kind_of_its_own(feed: Feed) -> None:
    feed.publish(taken(None, Receipt({})))

    assert [each.kind for each in feed.kept("replay")] == ["replay"]
    assert feed.kept("receipt") == []


def test_a_watcher_is_told_at_once(feed: Feed) -> None:
    heard: list[str] = []
    begun = threading.Event()

    def watch() -> None:
        with feed.watching() as watcher:
            begun.set()
            batch = watcher.next(DEADLINE)
            heard.extend(texts(batch.happenings) if batch else ["ended"])

    thread = threading.Thread(target=watch)
    thread.start()
    assert begun.wait(DEADLINE)
    feed.publish(Notice("news"))
    thread.join(DEADLINE)

    assert heard == ["news"]


def test_a_watcher_hears_nothing_when_there_is_nothing(feed: Feed) -> None:
    with feed.watching() as watcher:
        batch = watcher.next(0)

    assert batch is not None
    assert batch.happenings == ()


def test_the_newest_pages_watch_and_the_oldest_is_sent_away(feed: Feed) -> None:
    watchers = [feed.subscribe() for _ in range(6)]

    assert [watcher.ended for watcher in watchers] == [True, True, False, False, False, False]
    assert watchers[0].next(DEADLINE) is None


def test_a_watch_that_ends_makes_room(feed: Feed) -> None:
    watchers = [feed.subscribe() for _ in range(4)]
    feed.unsubscribe(watchers[3])
    feed.subscribe()

    assert not watchers[0].ended


def test_closing_sends_all_pages_away(feed: Feed) -> None:
    ended = threading.Semaphore(0)

    def watch() -> None:
        with feed.watching() as watcher:
            while watcher.next(DEADLINE) is not None:
                pass
        ended.release()

    threads = [threading.Thread(target=watch) for _ in range(3)]
    for thread in threads:
        thread.start()
    feed.close()

    assert all(ended.acquire(timeout=DEADLINE) for _ in threads)
    for thread in threads:
        thread.join(DEADLINE)


def test_any_number_of_threads_may_publish(feed: Feed) -> None:
    threads = [
        threading.Thread(target=lambda: [feed.publish(Notice("x")) for _ in range(200)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [each.number for each in feed.after(0).happenings] == list(range(1, 801))


# ---- Over the wire


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(Store(tmp_path))


def test_a_page_is_told_of_a_receipt_as_it_comes(desk: Desk) -> None:
    with inspected(desk) as url, stream(url) as news:
        assert news.next()[0] == "hello"
        key = desk.receipt("delivered", "0A1")
        name, batch = news.next()

    assert name == "news"
    (event,) = batch["events"]  # type: ignore[misc]
    assert (event["kind"], event["key"], event["message_id"]) == ("receipt", key, "0A1")


def test_a_page_that_reconnects_hears_what_it_missed(desk: Desk) -> None:
    with inspected(desk) as url:
        with stream(url) as news:
            after = str(news.next()[1]["after"])
        desk.receipt()
        with stream(url, Last_Event_ID=after) as news:
            news.next()
            name, batch = news.next()

    assert name == "news"
    assert len(batch["events"]) == 1  # type: ignore[arg-type]


def test_after_a_restart_a_page_is_told_to_look_at_everything(desk: Desk) -> None:
    for _ in range(3):
        desk.receipt()
    with inspected(desk) as url, stream(url, Last_Event_ID="0badcafe-1") as news:
        news.next()
        name, batch = news.next()

    assert (name, batch["lost"]) == ("news", True)


def test_twenty_open_tabs_do_not_starve_the_page(desk: Desk) -> None:
    with inspected(desk) as url, ExitStack() as stack:
        tabs = [stack.enter_context(stream(url)) for _ in range(20)]

        with urlopen(f"{url}/", timeout=DEADLINE) as answer:
            assert answer.status == 200

        assert [tab.next()[0] for tab in tabs] == ["hello"] * 20
        desk.receipt()
        ends = [tab.next()[0] for tab in tabs]
    assert (ends.count("news"), ends.count("ended")) == (4, 16)


def test_a_stop_of_the_server_does_not_wait_for_open_pages(desk: Desk) -> None:
    with stack_of(desk) as (stack, news):
        assert news.next()[0] == "hello"
        stack.close()
        assert news.next()[0] in ("ended", "closed")


@contextmanager
def stack_of(desk: Desk) -> Iterator[tuple[ExitStack, Stream]]:
    with ExitStack() as page, ExitStack() as server:
        url = server.enter_context(inspected(desk))
        yield server, page.enter_context(stream(url))


def test_pages_that_are_not_told_may_ask(desk: Desk) -> None:
    with inspected(desk) as url:
        with urlopen(f"{url}/api/events", timeout=DEADLINE) as answer:
            before = json.load(answer)
        desk.receipt()
        with urlopen(f"{url}/api/events?after={before['after']}", timeout=DEADLINE) as answer:
            news = json.load(answer)

    assert before["events"] == []
    assert len(news["events"]) == 1


def test_events_tell_neither_secrets_nor_whole_numbers(desk: Desk) -> None:
    desk.feed.publish(Sent(("0A1",), "447700900123"))
    desk.feed.publish(Registered("https://dlr.example.com/webhooks/delivery-receipt/unguessable", ""))
    with inspected(desk) as url, urlopen(f"{url}/api/events?after=x", timeout=DEADLINE) as answer:
        body = answer.read().decode()

    assert "447700900123" not in body
    assert "123" in body
    assert "unguessable" not in body
    assert "https://dlr.example.com/webhooks/delivery-receipt" in body
