"""News for pages: in order, bounded, told at once to a few, and never in anybody's way."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import pytest

from devkit.events import Notice
from devkit.events.session import Probe, Registered, Sent
from devkit.fixture.store import Store
from devkit.inspector.event_log import EventLog
from devkit.webhook.receipt import Receipt
from tests.support.inspector_server import Desk, Stream, inspected, stream, taken
from tests.support.raw_socket import DEADLINE

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def event_log() -> EventLog:
    return EventLog(lambda: NOW)


def texts(logged: object) -> list[str]:
    return [each.event.text for each in logged]  # type: ignore[attr-defined]


def test_events_are_numbered_and_kept_in_order(event_log: EventLog) -> None:
    for number in range(3):
        event_log.publish(Notice(f"{number}"))

    batch = event_log.after(1)

    assert (texts(batch.logged), batch.last, batch.lost) == (["1", "2"], 3, False)
    assert event_log.after(3).logged == ()


def test_a_page_that_was_away_for_too_long_is_told_so(event_log: EventLog) -> None:
    for number in range(2_500):
        event_log.publish(Notice(f"{number}"))

    batch = event_log.after(1)

    assert (len(batch.logged), batch.lost) == (2_000, True)


@pytest.mark.parametrize("number", [-1, 99])
def test_a_number_that_never_was_means_everything_may_be_new(event_log: EventLog, number: int) -> None:
    event_log.publish(Notice("one"))

    assert event_log.after(number).lost


def test_many_receipts_do_not_wash_the_one_probe_away(event_log: EventLog) -> None:
    event_log.publish(Probe("Vonage"))
    for _ in range(3_000):
        event_log.publish(taken(Path("x"), Receipt({})))

    assert len(event_log.kept("probe")) == 1
    assert len(event_log.kept("receipt")) == 1_000


def test_a_replay_is_a_kind_of_its_own(event_log: EventLog) -> None:
    event_log.publish(taken(None, Receipt({})))

    assert [each.kind for each in event_log.kept("replay")] == ["replay"]
    assert event_log.kept("receipt") == []


def test_a_subscriber_is_told_at_once(event_log: EventLog) -> None:
    heard: list[str] = []
    begun = threading.Event()

    def watch() -> None:
        with event_log.subscription() as subscriber:
            begun.set()
            batch = subscriber.next(DEADLINE)
            heard.extend(texts(batch.logged) if batch else ["ended"])

    thread = threading.Thread(target=watch)
    thread.start()
    assert begun.wait(DEADLINE)
    event_log.publish(Notice("news"))
    thread.join(DEADLINE)

    assert heard == ["news"]


def test_a_subscriber_hears_nothing_when_there_is_nothing(event_log: EventLog) -> None:
    with event_log.subscription() as subscriber:
        batch = subscriber.next(0)

    assert batch is not None
    assert batch.logged == ()


def test_a_new_subscription_ends_the_oldest_of_four(event_log: EventLog) -> None:
    with ExitStack() as stack:
        subscribers = [stack.enter_context(event_log.subscription()) for _ in range(6)]

        assert [each.ended for each in subscribers] == [True, True, False, False, False, False]
        assert subscribers[0].next(DEADLINE) is None


def test_a_subscription_that_ends_makes_room(event_log: EventLog) -> None:
    with ExitStack() as stack:
        subscribers = [stack.enter_context(event_log.subscription()) for _ in range(3)]
        with event_log.subscription():
            pass
        stack.enter_context(event_log.subscription())

        assert [each.ended for each in subscribers] == [False, False, False]
        stack.enter_context(event_log.subscription())
        assert [each.ended for each in subscribers] == [True, False, False]


def test_closing_sends_all_pages_away(event_log: EventLog) -> None:
    ended = threading.Semaphore(0)

    def watch() -> None:
        with event_log.subscription() as subscriber:
            while subscriber.next(DEADLINE) is not None:
                pass
        ended.release()

    threads = [threading.Thread(target=watch) for _ in range(3)]
    for thread in threads:
        thread.start()
    event_log.close()

    assert all(ended.acquire(timeout=DEADLINE) for _ in threads)
    for thread in threads:
        thread.join(DEADLINE)


def test_any_number_of_threads_may_publish(event_log: EventLog) -> None:
    threads = [
        threading.Thread(target=lambda: [event_log.publish(Notice("x")) for _ in range(200)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [each.number for each in event_log.after(0).logged] == list(range(1, 801))


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
    desk.event_log.publish(Sent(("0A1",), "447700900123"))
    desk.event_log.publish(Registered("https://dlr.example.com/webhooks/delivery-receipt/unguessable", ""))
    with inspected(desk) as url, urlopen(f"{url}/api/events?after=x", timeout=DEADLINE) as answer:
        body = answer.read().decode()

    assert "447700900123" not in body
    assert "123" in body
    assert "unguessable" not in body
    assert "https://dlr.example.com/webhooks/delivery-receipt" in body
