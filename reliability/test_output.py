"""Failures of stdout under load: a disk that is full for a while, a reader with long pauses, a reader that closes."""

import json
import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from devkit.fixture.store import Store
from reliability.conftest import Figures, Often
from reliability.load import Senders, message_in, send_all, sending
from tests.support.failing_output import Writing, read, session_on, small_pipe

resource = pytest.importorskip("resource", reason="Windows has no limits on files")

CONNECTIONS = 16
ROOM = 32 * 1024  # bytes
_DROPPED = re.compile(r"([\d,]+|no) lines? (?:dropped meanwhile|could not be written to stdout)")


@dataclass(slots=True)
class Sent:
    """The responses of all bursts."""

    acknowledged: set[str] = field(default_factory=set)
    answers: Counter[int] = field(default_factory=Counter)


def send_during(session: Writing, often: Often, trouble: Callable[[int], object]) -> Sent:
    """Send while `trouble` is called with the number of each round, until stdout failed and recovered."""
    sent, over = Sent(), threading.Event()

    def make_trouble() -> None:
        rounds = 0
        while not over.wait(0.05):
            trouble(rounds)
            rounds += 1

    thread = threading.Thread(target=make_trouble)
    thread.start()
    try:
        for burst in range(50):
            senders = send_all(
                Senders(session.described.local_url, f"{burst:02X}", CONNECTIONS, each=often(100, 30))
            )
            sent.acknowledged |= senders.acknowledged
            sent.answers += senders.answers
            if burst >= often(10, 2) and "can be written again" in session.stderr:
                break
    finally:
        over.set()
        thread.join()
    return sent


def dropped(session: Writing) -> int:
    counts = _DROPPED.findall(session.stderr)
    return sum(0 if count == "no" else int(count.replace(",", "")) for count in counts)


def verify(session: Writing, sent: Sent, out: bytes, figures: Figures, name: str) -> None:
    """No acknowledged receipt is lost, each line is whole, and the dropped lines were counted."""
    stored = {message_in(entry.path) for entry in Store(session.directory / "fixtures").entries()}
    total = sent.answers.total()
    # If the disk is still full at the end, it may hold the beginning of one line. That line counts as dropped.
    whole_lines = out[: out.rfind(b"\n") + 1].splitlines()
    events = Counter(json.loads(line)["event"] for line in whole_lines)
    lost = dropped(session)

    assert sent.answers == {200: total}
    assert stored == sent.acknowledged
    assert "Traceback" not in session.stderr
    others = out.count(b"\n") + lost - total  # ready, registered, restored, ...
    assert 0 < others < 12
    assert lost
    figures.note(
        f"{name}: {total} receipts, {events['receipt']} shown, {lost} lines dropped and counted, 0 receipts lost"
    )


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux sets the limits of another process")
def test_a_disk_that_fills_up_and_has_room_again(tmp_path: Path, often: Often, figures: Figures) -> None:
    """A limit of the file size simulates the disk: a write beyond it fails, or writes a part."""
    output = tmp_path / "output.jsonl"
    with output.open("wb") as file, session_on(file.fileno(), tmp_path, "--json", "--no-register") as session:

        def fill_or_clear(rounds: int) -> None:
            size = os.stat(output).st_size
            room = resource.RLIM_INFINITY if rounds % 3 == 2 else size + ROOM // 8
            resource.prlimit(session.process.pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))

        resource.prlimit(session.process.pid, resource.RLIMIT_FSIZE, (ROOM, resource.RLIM_INFINITY))
        sent = send_during(session, often, fill_or_clear)
        code = session.finish(signal.SIGTERM)

    assert code == 0
    verify(session, sent, output.read_bytes(), figures, "stdout on a disk that fills up")


def test_a_reader_that_pauses(tmp_path: Path, often: Often, figures: Figures) -> None:
    out: list[bytes] = []
    with (
        small_pipe() as (reader, writer),
        session_on(writer, tmp_path, "--json", "--no-register") as session,
    ):

        def read_at_times(rounds: int) -> None:
            if rounds % 40 > 30:
                out.append(read(reader))

        sent = send_during(session, often, read_at_times)
        session.process.send_signal(signal.SIGTERM)
        while session.process.poll() is None:
            out.append(read(reader))
        code = session.finish()
        out.append(read(reader))

    assert code == 0
    verify(session, sent, b"".join(out), figures, "stdout to a reader that pauses")


def test_a_reader_that_goes_ends_the_session_in_order(tmp_path: Path, often: Often, figures: Figures) -> None:
    rounds = often(10, 2)
    for number in range(rounds):
        directory = tmp_path / str(number)
        directory.mkdir()
        reader, writer = os.pipe()
        with session_on(writer, directory, "--json") as session:
            os.close(writer)
            senders = Senders(session.described.local_url, "0", 4)
            with sending(senders):
                os.close(reader)
                code = session.finish()
        stored = {message_in(entry.path) for entry in Store(directory / "fixtures").entries()}

        assert (code, session.stderr) == (0, "")
        assert stored >= senders.acknowledged
    figures.note(f"stdout without a reader: {rounds} sessions ended in order, exit code 0, 0 receipts lost")
