"""A terminal that is held with Ctrl-S while requests arrive."""

import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO

import click
import pytest

from devkit.cli.event_printer import reporting
from devkit.events import Notice
from devkit.events.session import Forwarded, Probe, Refused
from devkit.session.signals import Shutdown
from tests.support.receipt_event import RECEIPT


class HeldTerminal(StringIO):
    """Blocks each write until it is released, as after Ctrl-S."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()
        self.flushes: list[int] = []  # the number of lines at each

    def write(self, text: str) -> int:
        self.released.wait(60)
        return super().write(text)

    def flush(self) -> None:
        self.flushes.append(self.getvalue().count("\n"))


def test_refused_requests_are_dropped_beyond_a_limit_and_other_events_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", terminal := HeldTerminal())
    monkeypatch.setattr(sys, "stderr", errors := StringIO())

    with reporting(as_json=True, stop=Shutdown()) as publish:
        for number in range(1, 20_001):
            publish(Refused(404, "not the callback path of this session", number))
        publish(Refused(401, "the signature is absent", 1))
        publish(Notice("still here"))
        terminal.released.set()

    lines = terminal.getvalue().splitlines()
    assert 10_000 <= len(lines) <= 10_010
    assert '"status": 401' in lines[-1]
    assert errors.getvalue() == "still here\n"


def test_waiting_events_are_written_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", terminal := HeldTerminal())
    monkeypatch.setattr(sys, "stderr", StringIO())

    with reporting(as_json=True, stop=Shutdown()) as publish:
        for number in range(500):
            publish(Probe(f"number {number}"))
        terminal.released.set()

    assert terminal.getvalue().count("\n") == 500
    assert terminal.flushes == [500]


def test_a_notice_comes_after_earlier_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", terminal := HeldTerminal())
    monkeypatch.setattr(sys, "stderr", StringIO())

    with reporting(as_json=True, stop=Shutdown()) as publish:
        publish(Probe("before"))
        publish(Notice("the notice"))
        publish(Probe("after"))
        terminal.released.set()

    assert terminal.flushes[0] == 1


def test_each_line_has_the_time_at_which_its_event_was_published(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", terminal := HeldTerminal())
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    times = iter([noon, noon + timedelta(minutes=1), noon + timedelta(minutes=2)])
    late_answer = Forwarded("x.json", RECEIPT.message_id, 200, 12.3, "")

    with reporting(as_json=False, stop=Shutdown(), clock=lambda: next(times)) as publish:
        for event in (RECEIPT, replace(RECEIPT, forwarded=True), late_answer):
            publish(event)
        terminal.released.set()

    shown = [line[:8] for line in click.unstyle(terminal.getvalue()).splitlines()]
    assert shown == [f"{(noon + timedelta(minutes=minute)).astimezone():%H:%M:%S}" for minute in range(3)]
