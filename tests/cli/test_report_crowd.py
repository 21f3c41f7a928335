"""A terminal that is held while strangers come without end."""

import sys
import threading
from io import StringIO

import pytest

from devkit.cli.report import reporting
from devkit.events import Notice
from devkit.events.session import Probe, Refused
from devkit.session.signals import Shutdown


class HeldTerminal(StringIO):
    """Takes nothing until it is let go, as after Ctrl-S."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()
        self.flushes: list[int] = []  # how many lines there were at each

    def write(self, text: str) -> int:
        self.let_go.wait(60)
        return super().write(text)

    def flush(self) -> None:
        self.flushes.append(self.getvalue().count("\n"))


def test_strangers_are_left_out_beyond_measure_and_all_else_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", terminal := HeldTerminal())
    monkeypatch.setattr(sys, "stderr", errors := StringIO())

    with reporting(as_json=True, stop=Shutdown()) as publish:
        for number in range(1, 20_001):
            publish(Refused(404, "not the callback path of this session", number))
        publish(Refused(401, "the signature is absent", 1))
        publish(Notice("still here"))
        terminal.let_go.set()

    lines = terminal.getvalue().splitlines()
    assert 10_000 <= len(lines) <= 10_010
    assert '"status": 401' in lines[-1]
    assert errors.getvalue() == "still here\n"


def test_what_has_happened_meanwhile_is_told_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", terminal := HeldTerminal())
    monkeypatch.setattr(sys, "stderr", StringIO())

    with reporting(as_json=True, stop=Shutdown()) as publish:
        for number in range(500):
            publish(Probe(f"number {number}"))
        terminal.let_go.set()

    assert terminal.getvalue().count("\n") == 500
    assert terminal.flushes == [500]


def test_a_notice_comes_after_what_was_said_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", terminal := HeldTerminal())
    monkeypatch.setattr(sys, "stderr", StringIO())

    with reporting(as_json=True, stop=Shutdown()) as publish:
        publish(Probe("before"))
        publish(Notice("the notice"))
        publish(Probe("after"))
        terminal.let_go.set()

    assert terminal.flushes[0] == 1
