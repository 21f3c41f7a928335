"""A terminal that is held with Ctrl-S while requests arrive."""

import sys
import threading
from io import StringIO

import pytest

from devkit.cli.event_printer import reporting
from devkit.events import Notice
from devkit.events.session import Probe, Refused
from devkit.session.signals import Shutdown


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
