import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from devkit.cli.event_printer import session_lines
from devkit.events import Event
from devkit.events.session import Forwarded, ReceiptTaken
from devkit.fixture.format import load
from devkit.fixture.response_log import ResponseLog
from devkit.fixture.store import Store
from devkit.http.address import Destination, parse_address, readdress
from devkit.http.server import listen
from devkit.receiver.app import TokenAccess, serve_receiver
from devkit.receiver.forward import Forwarder
from devkit.receiver.recorder import Recorder
from devkit.simulator import run_simulator
from devkit.webhook.callback import CALLBACK_PATH, Callback
from devkit.webhook.receipt import Receipt, read
from tests.support.event_recorder import EventRecorder
from tests.support.forwarding import FILE, MakeForwarder, offer, receipt
from tests.support.raw_socket import DEADLINE, OK, closed_port, raw_server
from tests.support.simulator_client import JUMPING, Listener, register_url, send


def test_a_receipt_is_forwarded_as_vonage_sent_it_except_for_its_address_and_the_replay_header(
    app: Listener,
    forwarder_to: MakeForwarder,
) -> None:
    recorder = EventRecorder()
    url = f"{app.url}?tenant=7"

    with forwarder_to(url, recorder) as forwarder:
        forwarder.offer(receipt(), "0A0000001234567B", FILE)

    (arrived,) = app.arrived
    assert arrived.target == f"{CALLBACK_PATH}?tenant=7"
    assert arrived.body == receipt().body
    expected = dict(receipt().headers) | {"Host": parse_address(url).netloc, "X-Devkit-Replay": "1"}
    assert arrived.headers == tuple(expected.items())
    (event,) = recorder.events
    assert isinstance(event, Forwarded)
    assert (event.file, event.message_id, event.answer, event.problem) == (FILE, "0A0000001234567B", 200, "")
    assert event.ms is not None
    assert 0 < event.ms < DEADLINE * 1000


def test_the_secret_of_the_callback_path_stays_here(app: Listener, forwarder_to: MakeForwarder) -> None:
    origin = app.url.removesuffix(CALLBACK_PATH)

    with forwarder_to(origin, EventRecorder()) as forwarder:
        offer(forwarder, "A")

    assert app.arrived[0].target == CALLBACK_PATH


def test_the_secret_in_a_header_of_a_proxy_stays_here(app: Listener, forwarder_to: MakeForwarder) -> None:
    recorded = receipt()
    with_header = replace(recorded, headers=(*recorded.headers, ("X-Original-URI", recorded.target)))

    with forwarder_to(app.url, EventRecorder()) as forwarder:
        forwarder.offer(with_header, "A", FILE)

    assert app.arrived[0].header("X-Original-URI") == CALLBACK_PATH


def test_a_slow_application_does_not_block_the_caller(app: Listener, forwarder_to: MakeForwarder) -> None:
    recorder = EventRecorder()
    app.gate.clear()
    with forwarder_to(app.url, recorder) as forwarder:
        offer(forwarder, "A", "A", "A")
        app.wait_for(1)
        assert recorder.events == []
        app.gate.set()
        recorder.wait_for(forwarded=3)

    assert [event.answer for event in recorder.forwarded] == [200, 200, 200]


def test_receipts_of_a_message_keep_their_order_whatever_the_others_do(
    app: Listener, forwarder_to: MakeForwarder
) -> None:
    messages = [f"{number:016X}" for number in range(24)]
    statuses = ["accepted", "buffered", "delivered", "expired"]

    with forwarder_to(app.url, EventRecorder()) as forwarder, ThreadPoolExecutor(8) as pool:

        def offer_all(message_id: str) -> None:
            for status in statuses:
                forwarder.offer(receipt(message_id, status), message_id, FILE)

        list(pool.map(offer_all, messages))

    arrived: dict[str, list[str]] = {message_id: [] for message_id in messages}
    for reading in app.receipts:
        arrived[reading.message_id].append(reading.status)
    assert arrived == dict.fromkeys(messages, statuses)


def test_every_response_of_the_application_is_published(app: Listener, forwarder_to: MakeForwarder) -> None:
    recorder = EventRecorder()
    app.answers = [500, 404]

    with forwarder_to(app.url, recorder) as forwarder:
        offer(forwarder, "A", "A", "A")

    assert [event.answer for event in recorder.forwarded] == [500, 404, 200]


def test_one_slow_answer_holds_up_its_own_message_only(app: Listener, forwarder_to: MakeForwarder) -> None:
    recorder = EventRecorder()
    app.gate.clear()
    with forwarder_to(app.url, recorder) as forwarder:
        app.slow = "A"
        offer(forwarder, "A", "A", *"BCDEFGHIJKLMNOPQRSTUVWXYZ")
        recorder.wait_for(forwarded=25)
        assert sorted(event.message_id for event in recorder.forwarded) == list("BCDEFGHIJKLMNOPQRSTUVWXYZ")
        app.gate.set()
        recorder.wait_for(forwarded=27)

    assert [event.message_id for event in recorder.forwarded[25:]] == ["A", "A"]


def test_no_more_than_sixteen_receipts_are_sent_at_once(app: Listener, forwarder_to: MakeForwarder) -> None:
    recorder = EventRecorder()
    app.gate.clear()
    with forwarder_to(app.url, recorder) as forwarder:
        offer(forwarder, *"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        app.wait_for(16)
        assert len(app.receipts) == app.connections == 16
        app.gate.set()
        recorder.wait_for(forwarded=26)

    assert len(app.receipts) == 26
    assert app.connections == 16


def test_an_application_that_breaks_off_gets_no_receipt_twice(forwarder_to: MakeForwarder) -> None:
    recorder = EventRecorder()
    with raw_server((b"",), (OK,)) as server, forwarder_to(server.url, recorder) as forwarder:
        offer(forwarder, "A", "A")
        recorder.wait_for(forwarded=2)

    assert [event.answer for event in recorder.forwarded] == [None, 200]
    assert len(server.requests) == 2


def test_a_connection_is_kept_while_receipts_come_and_closed_when_none_do(
    forwarder_to: MakeForwarder,
) -> None:
    recorder = EventRecorder()
    # The second connection is opened only if the first one was closed from this side: it still has an answer.
    with (
        raw_server((OK, OK, None), (OK,)) as server,
        forwarder_to(server.url, recorder, idle_seconds=0.2) as forwarder,
    ):
        offer(forwarder, "A", "A")
        recorder.wait_for(forwarded=2)
        assert server.connections == 1
        assert server.closed.acquire(timeout=DEADLINE)
        offer(forwarder, "A")
        recorder.wait_for(forwarded=3)

    assert server.connections == 2
    assert [event.answer for event in recorder.forwarded] == [200, 200, 200]


def test_waiting_receipts_are_sent_at_the_end(app: Listener, forwarder_to: MakeForwarder) -> None:
    recorder = EventRecorder()
    app.gate.clear()

    with forwarder_to(app.url, recorder, drain_seconds=DEADLINE) as forwarder:
        offer(forwarder, "A", "A", "B")
        app.wait_for(1)
        threading.Timer(0.05, app.gate.set).start()

    assert [event.answer for event in recorder.forwarded] == [200, 200, 200]


def test_receipts_do_not_leave_this_machine(forwarder_to: MakeForwarder) -> None:
    recorder = EventRecorder()

    with forwarder_to("http://192.0.2.1/dlr", recorder) as forwarder:
        offer(forwarder, "A")

    (event,) = recorder.forwarded
    assert "not on this machine" in event.problem


def shown(event: Event) -> list[str]:
    return [click.unstyle(line)[12:] for line in session_lines(event)]


def test_an_answer_is_shown_with_its_milliseconds() -> None:
    assert shown(Forwarded(FILE, "0A0000001234567B", 200, 12.3, "")) == ["-> 200 12 ms          1234567B"]


def test_an_answer_to_what_was_sent_again_is_shown_as_such() -> None:
    again = Forwarded(FILE, "0A0000001234567B", 200, 12.3, "", sent_again=True)

    assert shown(again) == ["-> 200 12 ms          1234567B  sent again on a new connection"]


def test_a_receipt_without_a_response_is_not_shown_because_there_was_a_notice() -> None:
    assert shown(Forwarded(FILE, "0A0000001234567B", None, None, "Nobody answers.")) == []


def test_no_thread_is_left(forwarder_to: MakeForwarder) -> None:
    before = set(threading.enumerate())

    with forwarder_to("127.0.0.1:9", EventRecorder()):
        assert set(threading.enumerate()) > before

    assert set(threading.enumerate()) == before


@contextmanager
def session(root: Path, to: str, publish: EventRecorder) -> Iterator[str]:
    """Receiver, recorder, store and forwarder, as a session has them. The callback URL."""
    with ExitStack() as stack:
        recorder = Recorder(Store(root), publish, lambda: datetime.now(UTC), "n0nce")
        log = ResponseLog(root, to, recorder.clock)
        recorder.forward = stack.enter_context(Forwarder(parse_address(to), publish, log)).offer
        listener = listen("127.0.0.1", 0)
        stack.enter_context(serve_receiver(recorder.handle_batch, listener, TokenAccess("t0ken-t0ken-t0ken")))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}{CALLBACK_PATH}/t0ken-t0ken-t0ken"


def test_receipts_of_the_platform_are_recorded_and_then_reach_the_application(
    tmp_path: Path, app: Listener
) -> None:
    recorder = EventRecorder()
    with session(tmp_path, app.url, recorder) as callback_url, run_simulator(JUMPING) as simulator:
        register_url(simulator, callback_url, httpForwardMethod="POST_JSON")
        sent = [send(simulator, "447700900000")[0]["message-id"] for _ in range(5)]
        assert simulator.wait_idle(DEADLINE)
        recorder.wait_for(forwarded=15)

    address = parse_address(app.url)
    recorded = [load(entry.path).callback for entry in Store(tmp_path).entries()]
    passed_on = [readdress(callback, Destination(address.netloc, CALLBACK_PATH)) for callback in recorded]
    assert sorted(map(wire, app.arrived)) == sorted(map(wire, passed_on))
    for message_id in sent:
        statuses = [reading.status for reading in app.receipts if reading.message_id == message_id]
        assert statuses == ["accepted", "buffered", "delivered"]
    files = [event.file for event in recorder.events if isinstance(event, ReceiptTaken)]
    assert sorted(event.file for event in recorder.forwarded) == sorted(files)
    for file in files:
        kinds = [type(event) for event in recorder.events if getattr(event, "file", "") == file]
        assert kinds == [ReceiptTaken, Forwarded]


def wire(callback: Callback) -> tuple[str, str, tuple[tuple[str, str], ...], bytes]:
    return callback.method, callback.target, callback.headers, callback.body


def test_a_session_records_and_answers_while_the_application_is_down(tmp_path: Path) -> None:
    recorder = EventRecorder()
    with session(tmp_path, f"127.0.0.1:{closed_port()}", recorder) as callback_url:
        with run_simulator(JUMPING) as simulator:
            send(simulator, "447700900100", callback=callback_url)
            assert simulator.wait_idle(DEADLINE)
            assert [delivery.answer for delivery in simulator.deliveries] == [200]
        recorder.wait_for(forwarded=1)

    (entry,) = Store(tmp_path).entries()
    reading = read(load(entry.path).callback)
    assert isinstance(reading, Receipt)
    assert [event.message_id for event in recorder.forwarded] == [reading.message_id]
