"""Commands whose stdout fails: a session continues; any other command does its work and exits with 1."""

import json
import os
import signal
from pathlib import Path

import pytest

from devkit.session.project import project_in
from tests.support.command import start
from tests.support.failing_output import FULL, needs_full, read, read_line_with, session_on, small_pipe
from tests.support.fixture_example import FILE
from tests.support.raw_socket import wait_until
from tests.support.recording_server import recording_server

FORMS = pytest.mark.parametrize("form", [(), ("--json",)], ids=["people", "json"])


@needs_full
@FORMS
def test_a_session_continues_when_the_disk_of_its_output_is_full(
    tmp_path: Path, form: tuple[str, ...]
) -> None:
    with open(FULL, "wb") as full, session_on(full.fileno(), tmp_path, *form) as session:
        session.deliver(1, 20)
        code = session.finish(signal.SIGTERM)

    assert (code, session.recorded) == (0, 20)
    first, last = session.stderr.splitlines()[-2:]
    assert first.startswith("Notice: stdout cannot be written: No space left on device.")
    assert last.endswith("could not be written to stdout: No space left on device.")
    assert int(last.split()[1]) > 20
    assert "Traceback" not in session.stderr


@FORMS
def test_a_session_continues_when_nobody_reads_and_reports_dropped_lines(
    tmp_path: Path, form: tuple[str, ...]
) -> None:
    out: list[bytes] = []
    with small_pipe() as (reader, writer), session_on(writer, tmp_path, *form) as session:
        session.deliver(1, 200)
        wait_until(lambda: "stdout cannot be written: nobody reads it" in session.stderr)
        out.append(read(reader))
        session.deliver(201, 205)
        while "stdout can be written again" not in session.stderr:
            out.append(read(reader))
            session.deliver(201, 205)
        session.process.send_signal(signal.SIGTERM)
        while session.process.poll() is None:
            out.append(read(reader))
        code = session.finish()
        out.append(read(reader))
    lines = b"".join(out).decode().splitlines()

    assert (code, "Traceback" in session.stderr) == (0, False)
    assert session.recorded > 200
    if form:
        assert {json.loads(line)["event"] for line in lines} >= {"ready", "receipt"}


@FORMS
def test_a_session_with_a_closed_reader_restores_everything(tmp_path: Path, form: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    with session_on(writer, tmp_path, *form) as session:
        os.close(writer)
        session.deliver(1, 1)
        read_line_with("0A000001", reader)  # what comes before it has been printed
        os.close(reader)
        session.deliver(2, 2)
        code = session.finish()

    assert (code, session.recorded) == (0, 2)
    assert session.stderr == ""


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
@FORMS
def test_a_session_with_a_closed_terminal_restores_everything(tmp_path: Path, form: tuple[str, ...]) -> None:
    master, slave = os.openpty()
    with session_on(slave, tmp_path, *form) as session:
        os.close(slave)
        session.deliver(1, 1)
        read_line_with("0A000001", master)  # what comes before it has been printed
        os.close(master)
        session.deliver(2, 2)
        code = session.finish()

    assert (code, session.recorded) == (0, 2)
    assert "Traceback" not in session.stderr


@needs_full
@FORMS
def test_a_session_with_both_streams_on_a_full_disk_continues(tmp_path: Path, form: tuple[str, ...]) -> None:
    with open(FULL, "wb") as full:
        process = start(
            tmp_path,
            "dev",
            "--offline",
            "--port=0",
            "--inspector-port=0",
            *form,
            stdout=full.fileno(),
            stderr=full.fileno(),
        )
        with process:
            try:
                wait_until(lambda: project_in(tmp_path).session() is not None)
                process.send_signal(signal.SIGTERM)
                assert process.wait(60) == 0
            finally:
                process.kill()


@needs_full
@FORMS
def test_a_replay_whose_results_cannot_be_written_sends_all_and_fails(
    tmp_path: Path, form: tuple[str, ...]
) -> None:
    for number in range(3):
        (tmp_path / f"{number}.json").write_bytes(FILE)
    with recording_server() as server, open(FULL, "wb") as full:
        args = ("replay", "./*.json", "--to", server.url, *form)
        with start(tmp_path, *args, stdout=full.fileno()) as process:
            _, err = process.communicate(timeout=60)

    assert len(server.arrived) == 3
    assert process.returncode == 1
    assert err.splitlines()[-1] == "Notice: 4 lines could not be written to stdout: No space left on device."


@needs_full
def test_an_output_that_cannot_be_written_is_no_success(tmp_path: Path) -> None:
    with open(FULL, "wb") as full, start(tmp_path, "show", "delivered", stdout=full.fileno()) as process:
        _, err = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "No space left on device" in err
    assert "Traceback" not in err


def test_a_replay_with_a_closed_reader_ends_silently(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_bytes(FILE)
    reader, writer = os.pipe()
    os.close(reader)
    with (
        recording_server() as server,
        start(tmp_path, "replay", "one.json", "--to", server.url, stdout=writer) as process,
    ):
        _, err = process.communicate(timeout=60)
    os.close(writer)

    assert (process.returncode, err) == (1, "")
