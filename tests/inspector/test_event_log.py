"""Events for pages: in order, bounded, streamed to a few subscribers, without delay for the publisher."""

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
from devkit.inspector.event_log import EventLog
from devkit.webhook.receipt import Receipt
from tests.support.inspector_server import Recordings, Stream, running_inspector, stream, taken
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


def test_a_page_that_missed_too_much_gets_lost(event_log: EventLog) -> None:
    for number in range(2_500):
        event_log.publish(Notice(f"{number}"))

    batch = event_log.after(1)

    assert (len(batch.logged), batch.lost) == (2_000, True)


@pytest.mark.parametrize("number", [-1, 99])
def test_an_unknown_number_gets_lost(event_log: EventLog, number: int) -> None:
    event_log.publish(Notice("one"))

    assert event_log.after(number).lost


def test_many_receipts_do_not_push_out_the_one_probe(event_log: EventLog) -> None:
    event_log.publish(Probe("Vonage"))
    for _ in range(3_000):
        event_log.publish(taken(Path("x"), Receipt({})))

    assert len(event_log.kept("probe")) == 1
    assert len(event_log.kept("receipt")) == 1_000


def test_a_replay_is_a_kind_of_its_own(event_log: EventLog) -> None:
    event_log.publish(taken(None, Receipt({})))

    assert [each.kind for each in event_log.kept("replay")] == ["replay"]
    assert event_log.kept("receipt") == []


def test_a_subscriber_gets_an_event_at_once(event_log: EventLog) -> None:
    delivered: list[str] = []
    begun = threading.Event()

    def watch() -> None:
        with event_log.subscription() as subscriber:
            begun.set()
            batch = subscriber.next(DEADLINE)
            delivered.extend(texts(batch.logged) if batch else ["ended"])

    thread = threading.Thread(target=watch)
    thread.start()
    assert begun.wait(DEADLINE)
    event_log.publish(Notice("text"))
    thread.join(DEADLINE)

    assert delivered == ["text"]


def test_a_subscriber_gets_an_empty_batch_without_events(event_log: EventLog) -> None:
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


def test_closing_ends_all_subscriptions(event_log: EventLog) -> None:
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
    def publish() -> None:
        for _ in range(200):
            event_log.publish(Notice("x"))

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [each.number for each in event_log.after(0).logged] == list(range(1, 801))


# ---- Over the wire


def test_a_page_gets_the_event_of_a_receipt(recordings: Recordings) -> None:
    with running_inspector(recordings) as url, stream(url) as news:
        assert news.next()[0] == "hello"
        key = recordings.receipt("delivered", "0A1")
        name, batch = news.next()

    assert name == "events"
    (event,) = batch["events"]
    assert (event["kind"], event["key"], event["message_id"]) == ("receipt", key, "0A1")
    assert event["webhook_kind"] == "sms-receipt"


def test_a_page_that_reconnects_gets_the_missed_events(recordings: Recordings) -> None:
    with running_inspector(recordings) as url:
        with stream(url) as news:
            after = str(news.next()[1]["after"])
        recordings.receipt()
        with stream(url, Last_Event_ID=after) as news:
            news.next()
            name, batch = news.next()

    assert name == "events"
    assert len(batch["events"]) == 1


def test_after_a_restart_a_page_gets_lost(recordings: Recordings) -> None:
    for _ in range(3):
        recordings.receipt()
    with running_inspector(recordings) as url, stream(url, Last_Event_ID="0badcafe-1") as news:
        news.next()
        name, batch = news.next()

    assert (name, batch["lost"]) == ("events", True)


def test_twenty_open_tabs_do_not_starve_the_page(recordings: Recordings) -> None:
    with running_inspector(recordings) as url, ExitStack() as stack:
        tabs = [stack.enter_context(stream(url)) for _ in range(20)]

        with urlopen(f"{url}/", timeout=DEADLINE) as answer:
            assert answer.status == 200

        assert [tab.next()[0] for tab in tabs] == ["hello"] * 20
        recordings.receipt()
        ends = [tab.next()[0] for tab in tabs]
    assert (ends.count("events"), ends.count("ended")) == (4, 16)


def test_a_stop_of_the_server_does_not_wait_for_open_pages(recordings: Recordings) -> None:
    with stack_of(recordings) as (stack, news):
        assert news.next()[0] == "hello"
        stack.close()
        assert news.next()[0] in ("ended", "closed")


@contextmanager
def stack_of(recordings: Recordings) -> Iterator[tuple[ExitStack, Stream]]:
    with ExitStack() as page, ExitStack() as server:
        url = server.enter_context(running_inspector(recordings))
        yield server, page.enter_context(stream(url))


def test_pages_without_a_stream_may_poll(recordings: Recordings) -> None:
    with running_inspector(recordings) as url:
        with urlopen(f"{url}/api/events", timeout=DEADLINE) as answer:
            before = json.load(answer)
        recordings.receipt()
        with urlopen(f"{url}/api/events?after={before['after']}", timeout=DEADLINE) as answer:
            news = json.load(answer)

    assert before["events"] == []
    assert len(news["events"]) == 1


def test_events_contain_neither_secrets_nor_whole_numbers(recordings: Recordings) -> None:
    recordings.event_log.publish(Sent(("0A1",), "447700900123"))
    recordings.event_log.publish(
        Registered("https://dlr.example.com/webhooks/delivery-receipt/unguessable", "")
    )
    with (
        running_inspector(recordings) as url,
        urlopen(f"{url}/api/events?after=x", timeout=DEADLINE) as answer,
    ):
        body = answer.read().decode()

    assert "447700900123" not in body
    assert "123" in body
    assert "unguessable" not in body
    assert "https://dlr.example.com/webhooks/delivery-receipt" in body
