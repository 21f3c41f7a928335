import os
import time
from pathlib import Path

from devkit.events import Event
from devkit.events.session import Forwarded
from devkit.fixture.response_log import LoggedResponse, ResponseLog, ResponseReader, missed
from devkit.http.address import parse_address
from devkit.http.client import Response
from devkit.receiver.forward import Forwarder
from tests.support.event_recorder import EventRecorder
from tests.support.forwarding import FILE, NOW, MakeForwarder, offer, receipt
from tests.support.raw_socket import DEADLINE, closed_port, wait_until
from tests.support.recording_server import recording_server
from tests.support.simulator_client import Listener


def test_one_notice_tells_how_to_send_what_the_application_refused_and_one_at_the_end_how_many(
    app: Listener, forwarder_to: MakeForwarder
) -> None:
    recorder = EventRecorder()
    app.answers = [500, 200, 404]
    url = f"{app.url}?tenant=7&key=1"

    with forwarder_to(url, recorder) as forwarder:
        offer(forwarder, "A", "A", "A")

    address, command = parse_address(url), f"devkit replay --missed --to '{url}'"
    assert recorder.notices == [
        f"{address} answered 500 to a receipt. It is recorded; to send it later: {command}",
        f"{address} has not accepted 2 receipts; to send them: {command}",
    ]


def test_what_a_replay_has_sent_meanwhile_is_not_missed_at_the_end(
    tmp_path: Path, app: Listener, forwarder_to: MakeForwarder
) -> None:
    recorder = EventRecorder()
    app.answers = [500]

    with forwarder_to(app.url, recorder) as forwarder:
        offer(forwarder, "A")
        recorder.wait_for(forwarded=1, notices=1)
        ResponseLog(tmp_path, app.url, lambda: NOW).add_response(
            recorder.forwarded[0].file, Response(200, 0, b"")
        )

    assert len(recorder.notices) == 1


def test_every_response_is_logged_before_its_event(
    tmp_path: Path, app: Listener, forwarder_to: MakeForwarder
) -> None:
    logged: list[list[int | None]] = []
    app.answers = [500]

    def publish(event: Event) -> None:
        if isinstance(event, Forwarded):
            logged.append([entry.status for entry in ResponseReader(tmp_path).poll() if not entry.waiting_in])

    with forwarder_to(app.url, publish) as forwarder:
        offer(forwarder, "A", "A")

    assert logged == [[500], [500, 200]]


def test_a_receipt_that_waits_is_logged_as_such(
    tmp_path: Path, app: Listener, forwarder_to: MakeForwarder
) -> None:
    app.gate.clear()
    with forwarder_to(app.url, EventRecorder()) as forwarder:
        forwarder.offer(receipt(), "A", FILE)
        assert ResponseReader(tmp_path).poll() == [
            LoggedResponse("2026-11-23/x.json", NOW, app.url, waiting_in=os.getpid())
        ]
        app.gate.set()


def test_a_receipt_without_a_response_is_logged_with_the_reason(tmp_path: Path) -> None:
    address = parse_address(f"http://127.0.0.1:{closed_port()}/dlr")

    with Forwarder(address, EventRecorder(), ResponseLog(tmp_path, "", lambda: NOW)) as forwarder:
        offer(forwarder, "A")

    (entry,) = missed(tmp_path)
    assert entry.problem == f"Nobody answers at {address} (Connection refused)."


def test_a_log_that_cannot_be_written_is_said_once_and_stops_no_receipt(
    tmp_path: Path, app: Listener
) -> None:
    heard = EventRecorder()

    with Forwarder(
        parse_address(app.url), heard, ResponseLog(tmp_path / "gone", "", lambda: NOW)
    ) as forwarder:
        offer(forwarder, "A", "B")

    assert [event.answer for event in heard.forwarded] == [200, 200]
    assert heard.notices == ["The application's responses are not kept: No such file or directory."]


def test_one_notice_when_the_application_is_down_and_one_when_it_is_back(forwarder_to: MakeForwarder) -> None:
    recorder = EventRecorder()
    port = closed_port()
    url = f"http://127.0.0.1:{port}/dlr"
    address = parse_address(url)

    with forwarder_to(url, recorder) as forwarder:
        offer(forwarder, "A", "B", "C")
        recorder.wait_for(forwarded=3)
        with recording_server(port=port):
            offer(forwarder, "A")
            recorder.wait_for(forwarded=4, notices=2)
            offer(forwarder, "B", "C")
            recorder.wait_for(forwarded=6)

    problem = f"Nobody answers at {address} (Connection refused)."
    assert [(event.answer, event.problem) for event in recorder.forwarded] == [(None, problem)] * 3 + [
        (200, "")
    ] * 3
    assert recorder.notices == [
        f"Not forwarded: {problem} It is recorded; to send it later: devkit replay --missed --to {url}",
        f"{address} answers again. It has not accepted 3 receipts; to send them: devkit replay --missed --to {url}",
        f"{address} has not accepted 3 receipts; to send them: devkit replay --missed --to {url}",
    ]


def test_a_notice_at_the_end_when_the_application_did_not_come_back(forwarder_to: MakeForwarder) -> None:
    recorder = EventRecorder()
    url = f"http://127.0.0.1:{closed_port()}/dlr"

    with forwarder_to(url, recorder) as forwarder:
        offer(forwarder, "A", "B")

    assert recorder.notices[1:] == [
        f"{parse_address(url)} has not accepted 2 receipts; to send them: devkit replay --missed --to {url}"
    ]


def test_too_many_receipts_for_a_slow_application_are_dropped_with_a_notice(
    app: Listener, forwarder_to: MakeForwarder
) -> None:
    recorder = EventRecorder()
    app.gate.clear()
    with forwarder_to(app.url, recorder, max_waiting=2) as forwarder:
        offer(forwarder, "A")
        app.wait_for(1)
        offer(forwarder, "A", "A", "A", "A")
        app.gate.set()
        recorder.wait_for(forwarded=5)

    assert sorted(str(event.answer) for event in recorder.forwarded) == ["200", "200", "200", "None", "None"]
    address = parse_address(app.url)
    assert recorder.notices == [
        "Not forwarded: Too many receipts wait for the application. "
        f"It is recorded; to send it later: devkit replay --missed --to {app.url}",
        f"{address} has not accepted 2 receipts; to send them: devkit replay --missed --to {app.url}",
    ]


def test_an_application_that_hangs_does_not_block_the_end(
    tmp_path: Path, app: Listener, forwarder_to: MakeForwarder
) -> None:
    recorder = EventRecorder()
    app.gate.clear()
    began = time.monotonic()

    with forwarder_to(app.url, recorder, drain_seconds=0.05) as forwarder:
        offer(forwarder, "A", "A", "A")
        app.wait_for(1)

    assert time.monotonic() - began < DEADLINE / 2
    address = parse_address(app.url)
    assert recorder.notices == [
        f"{address} has not accepted 3 receipts; to send them: devkit replay --missed --to {app.url}"
    ]
    problem = "The session ended before the application answered."
    assert [(event.answer, event.problem) for event in recorder.forwarded] == [(None, problem)] * 3
    assert len(missed(tmp_path)) == 3
    app.gate.set()
    wait_until(lambda: len(missed(tmp_path)) == 2)
    assert len(recorder.forwarded) == 3
    assert len(app.receipts) == 1
