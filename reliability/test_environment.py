"""The environment: clock jumps, repeated signals, a sleeping laptop, two sessions, few file descriptors."""

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from devkit.fixture.store import Store
from devkit.receiver.app import IncomingRequest, handle_one
from devkit.receiver.recorder import Recorder
from reliability.conftest import Figures, Often
from reliability.load import Senders, message_in, send_all, sending
from tests.support.dev_process import DEV, DevProcess, running, running_dev
from tests.support.live_account import environ, registered_callback
from tests.support.recorder import receipt as some_receipt
from tests.support.settings_gateway import Gateway
from tests.support.simulator_client import Listener
from tests.support.standin import install_standin


@contextmanager
def live(directory: Path, vonage: Gateway, *args: str) -> Iterator[DevProcess]:
    """A session with the stand-in agent and an account that had a callback URL before."""
    agent = install_standin(directory)
    with running_dev(directory, *args, **environ(vonage, PYNGROK_NGROK_PATH=str(agent))) as dev:
        yield dev


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_repeated_signals_do_not_prevent_the_restoration(
    tmp_path: Path, vonage: Gateway, former: Listener, number: signal.Signals
) -> None:
    """The signal is repeated at each step of the shutdown, and in between."""
    with live(tmp_path, vonage) as dev:
        dev.wait_for("ready")
        calls = len(vonage.calls)
        for step in range(calls, calls + 6):
            vonage.before[step] = vonage.after[step] = partial(dev.process.send_signal, number)
        dev.process.send_signal(number)
        while not any(event["event"] == "stopped" for event in dev.events):
            dev.process.send_signal(number)
            dev.wait_for("stopped" if "restored" in dev.names() else "restored")
        code = dev.finish()

    assert code == 0, dev.describe()
    assert registered_callback(vonage) == former.url
    assert dev.names()[-2:] == ["restored", "stopped"]
    assert "Traceback" not in dev.stderr
    assert list((tmp_path / ".devkit").glob("registration*")) == []


def test_signals_without_end_still_end_in_order(tmp_path: Path, often: Often, figures: Figures) -> None:
    """As with a key held down: a signal every few milliseconds until the process ends."""
    rounds, sent = often(10, 2), 0
    for _ in range(rounds):
        with running_dev(tmp_path, "--offline", "--no-demo") as dev:
            dev.wait_for("ready")
            while dev.process.poll() is None:
                with suppress(ProcessLookupError):
                    dev.process.send_signal(signal.SIGINT)
                sent += 1
                time.sleep(0.003)  # the repeat rate of a key, not a wait for a condition
            code = dev.finish()
        assert code == 0, dev.describe()
        assert dev.names()[-2:] == ["restored", "stopped"]
        assert "Traceback" not in dev.stderr
    figures.note(f"endless SIGINT: {rounds} stops under {sent} x SIGINT, each in order, exit code 0")


def test_a_laptop_that_sleeps_loses_no_receipt_and_no_registration(
    tmp_path: Path, vonage: Gateway, former: Listener
) -> None:
    with live(tmp_path, vonage) as dev:
        ready = dev.wait_for("ready")
        before = send_all(Senders(ready["local_url"], prefix="B", connections=4, each=3))
        asleep = Senders(ready["local_url"], prefix="C", connections=4, each=3)
        dev.process.send_signal(signal.SIGSTOP)
        with sending(asleep):
            time.sleep(1.0)  # the length of the sleep
            dev.process.send_signal(signal.SIGCONT)
        assert registered_callback(vonage) == ready["callback_url"]
        assert dev.stop() == 0

    assert before.answers == asleep.answers == {200: 12}
    stored = {message_in(entry.path) for entry in Store(tmp_path / "fixtures").entries()}
    assert stored == before.acknowledged | asleep.acknowledged
    assert registered_callback(vonage) == former.url


def test_two_sessions_that_start_at_once_leave_the_account_as_it_was(
    tmp_path: Path, vonage: Gateway, former: Listener
) -> None:
    with live(tmp_path, vonage) as one, live(tmp_path, vonage) as other:
        codes: dict[DevProcess, int] = {}
        while not codes:
            codes = {dev: code for dev in (one, other) if (code := dev.process.poll()) is not None}
            time.sleep(0.02)
        loser = next(iter(codes))
        winner = other if loser is one else one
        ready = winner.wait_for("ready")
        assert registered_callback(vonage) == ready["callback_url"]
        assert winner.stop() == 0
        loser.finish()

    assert codes == {loser: 6}
    assert "Another devkit holds the callback of this project" in loser.stderr
    assert registered_callback(vonage) == former.url


@pytest.mark.parametrize(
    "jump", [timedelta(hours=-5), timedelta(days=-400), timedelta(hours=1), timedelta(days=9000)]
)
def test_a_clock_that_jumps_loses_nothing_and_names_what_it_recorded(tmp_path: Path, jump: timedelta) -> None:
    """Also at the change to daylight saving time, which UTC does not have."""
    start = datetime(2026, 3, 29, 0, 59, 59, 900_000, tzinfo=UTC)
    moments = iter([start, start + timedelta(milliseconds=50), *(start + jump for _ in range(8))])
    recorder = Recorder(store := Store(tmp_path), lambda event: None, lambda: next(moments), "n0nce")

    answers = [
        handle_one(
            recorder.handle_batch, IncomingRequest("receipt", some_receipt(messageId=f"{number:016X}"))
        )
        for number in range(10)
    ]

    assert answers == [200] * 10
    entries = list(store.entries())
    assert {message_in(entry.path) for entry in entries} == {f"{number:016X}" for number in range(10)}
    assert {entry.recorded_at for entry in entries} == {
        start,
        start + timedelta(milliseconds=50),
        start + jump,
    }


def test_a_checkout_that_cannot_be_written_ends_in_two_lines(tmp_path: Path) -> None:
    (tmp_path / "fixtures").write_text("a file where the directory would be")

    with running_dev(tmp_path, "--offline") as dev:
        code = dev.finish()

    assert code == 3
    assert "Receipts cannot be recorded in" in dev.stderr
    assert len(dev.stderr.splitlines()) == 2


@pytest.mark.parametrize("files", [128, 256])
def test_a_full_file_table_is_no_permanent_failure(tmp_path: Path, files: int, figures: Figures) -> None:
    """More connections than file descriptors: those that fit are served, and new ones when others close."""
    limited = [sys.executable, "-c", LIMITED, str(files), sys.executable]
    with running_dev_as(limited, tmp_path) as dev:
        url = dev.wait_for("ready")["local_url"]
        host, port = url.removeprefix("http://").split(":")
        with ExitStack() as crowd:
            for _ in range(2 * files):
                crowd.enter_context(socket.create_connection((host, int(port)), 30))
            time.sleep(0.3)  # time for a busy loop to begin
            spent = cpu_seconds(dev.process.pid)
            time.sleep(1.0)
            spent = cpu_seconds(dev.process.pid) - spent
        after = send_all(Senders(url, prefix="A", connections=4, each=5))
        assert dev.stop() == 0

    assert after.answers == {200: 20}
    assert {message_in(entry.path) for entry in Store(tmp_path / "fixtures").entries()} == after.acknowledged
    assert "Traceback" not in dev.stderr, dev.stderr[:2000]
    assert spent < 0.5, "a full file table causes a busy loop"
    figures.note(
        f"file table: {2 * files} connections to a process with {files} files, {spent:.2f} s CPU in 1 s, 0 lost"
    )


LIMITED = """
import os, resource, sys
files = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
os.execv(sys.argv[2], sys.argv[2:])
"""


@contextmanager
def running_dev_as(command: list[str], directory: Path) -> Iterator[DevProcess]:
    with running([*command, *DEV[1:], "--json", "--offline", "--no-demo", "--no-register"], directory) as dev:
        yield dev


def cpu_seconds(pid: int) -> float:
    """The CPU time of a process so far. Linux."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
