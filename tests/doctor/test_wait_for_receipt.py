"""The doctor waits for a receipt and keeps an eye on its way."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from devkit.doctor.check import Check, Context
from devkit.doctor.connectivity import public_check
from devkit.doctor.wait_for_receipt import Heartbeat, wait_for_receipt
from devkit.fixture.format import Fixture
from devkit.fixture.store import Store
from devkit.http.server import listen, serve
from devkit.receiver.app import TokenAccess, create_receiver
from devkit.session.signals import Shutdown
from devkit.webhook.callback import Callback, compose
from tests.support.clock import ManualClock
from tests.support.doctor_context import SESSION, find, make_context
from tests.support.slow_server import slow_server
from tests.support.steps import Steps

RECEIPT = {"msisdn": "447700900001", "messageId": "0A0000001234567B", "err-code": "0"}


def record(context: Context, callback: Callback) -> Path:
    fixture = Fixture(datetime.now(UTC), callback)
    context.store.prepare()
    return context.store.record(fixture, fixture.read())


def watched(context: Context, *steps: Callable[[], object], **options: object) -> list[Check | Heartbeat]:
    return list(wait_for_receipt(replace(context, stop=Steps(*steps)), **options))  # type: ignore[arg-type]


def checks_of(events: list[Check | Heartbeat]) -> list[Check]:
    return [event for event in events if isinstance(event, Check)]


def test_the_first_receipt_ends_it(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    record(context, compose({**RECEIPT, "status": "buffered"}, "get"))  # from before

    came = watched(context, lambda: record(context, compose({**RECEIPT, "status": "delivered"}, "get")))[-1]

    assert isinstance(came, Check)
    assert (came.step, came.outcome) == ("receipt", "ok")
    assert "delivered (Delivered)" in came.what
    assert came.hint.startswith("devkit show ")
    assert "447700900001" not in came.what + came.hint


def test_an_intermediate_receipt_says_that_it_may_be_the_last(tmp_path: Path) -> None:
    context = make_context(tmp_path)

    came = watched(context, lambda: record(context, compose({**RECEIPT, "status": "accepted"}, "get")))[-1]

    assert isinstance(came, Check)
    assert "more may follow" in came.what


def test_a_request_that_is_not_a_receipt_is_named(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    verify = {"request_id": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab", "type": "event", "status": "completed"}

    came = watched(context, lambda: record(context, compose(verify, "json")))[-1]

    assert isinstance(came, Check)
    assert came.outcome == "failed"
    assert "Verify" in came.what


def test_without_a_session_it_says_what_to_start(tmp_path: Path) -> None:
    *_, check, round_ = watched(make_context(tmp_path))

    assert isinstance(check, Check)
    assert (check.step, check.outcome, check.hint) == ("session", "failed", "In another terminal: devkit dev")
    assert round_ == Heartbeat(0, ("session",))


def test_nothing_in_time_is_a_failure(tmp_path: Path) -> None:
    time = ManualClock()

    def later() -> None:
        time.now += 4

    last = watched(make_context(tmp_path), later, later, later, timeout=10, clock=time)[-1]

    assert isinstance(last, Check)
    assert (last.step, last.outcome) == ("receipt", "failed")
    assert "none arrived within 10 s" in last.what


def test_the_path_is_checked_again_and_only_changes_are_reported(tmp_path: Path) -> None:
    context, time = make_context(tmp_path), ManualClock()
    context.project.prepare()
    listener = listen("127.0.0.1", 0)
    session = replace(SESSION, pid=os.getpid(), local_url=f"http://127.0.0.1:{listener.getsockname()[1]}")
    session = replace(session, callback_url=f"{session.local_url}/webhooks/delivery-receipt/0123456789abcdef")
    server = serve(create_receiver(lambda arrival: 200, TokenAccess("0123456789abcdef")), listener)

    def later() -> None:
        time.now += 31

    def broken() -> None:
        server.__exit__(None, None, None)
        time.now += 31

    server.__enter__()
    with context.project.session_file(session):
        events = watched(context, later, broken, clock=time)

    rounds = [event for event in events if isinstance(event, Heartbeat)]
    told = [(check.step, check.outcome) for check in checks_of(events)]
    assert [(event.waited, event.failed) for event in rounds] == [
        (0, ()),
        (31, ()),
        (62, ("receiver", "public url")),
    ]
    assert told == [
        ("session", "ok"),
        ("receiver", "ok"),
        ("public url", "ok"),
        ("callback", "skipped"),
        ("receiver", "failed"),
        ("public url", "failed"),
    ]
    assert find(checks_of(events)[:3], "session").what.startswith(f"process {os.getpid()}, live")


def test_it_ends_when_the_user_has_seen_enough(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    context.stop.request()

    assert list(wait_for_receipt(context)) == []
    assert not Store(tmp_path / "fixtures").recorded.exists()


def test_stop_ends_the_check_of_a_public_url_that_drips(tmp_path: Path) -> None:
    stop = Shutdown()

    with slow_server(b"HTTP/1.1 200 OK\r\n", b"X", on_request=stop.request) as server:
        session = replace(SESSION, public_url=server.url, callback_url=f"{server.url}/dlr")
        check = public_check(make_context(tmp_path, session=session, stop=stop))

    assert (check.outcome, check.what) == ("skipped", "stopped")
