"""Lines that stdout cannot write."""

import os
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devkit.cli.line_stream import LineStream, surviving_output
from tests.support.failing_output import FULL, needs_full, read, small_pipe
from tests.support.raw_socket import DEADLINE


def is_part_in_order(lines: list[bytes], of: list[bytes]) -> bool:
    every = iter(of)
    return all(line in every for line in lines)


# Text of some length, which may end a line, or several; and how much is read meanwhile.
texts = st.tuples(st.integers(0, 5000), st.integers(0, 2)).map(lambda size: b"x" * size[0] + b"\n" * size[1])
steps = st.lists(st.lists(texts, max_size=4).map(b"".join) | st.integers(1, 6000), max_size=20)


@given(steps)
@example([b"x" * 3000 + b"\n", b"y" * 5000, b"y\n", 6000, b"z\n"])  # the middle of a line meets a full pipe
@example([b"x" * 4000 + b"\n", b"y" * 200, 6000, b"y\nz\n"])  # the beginning of one does
def test_output_is_whole_lines_in_order_and_dropped_ones_are_counted(steps: list[bytes | int]) -> None:
    messages: list[str] = []
    out, given = b"", b""
    with small_pipe() as (reader, writer), LineStream(writer, "stdout", messages.append, timeout=0) as stream:
        for number, step in enumerate(steps):
            if isinstance(step, int):
                out += read(reader, step)
            else:
                text = step.replace(b"x", b"%c" % (ord("A") + number))
                assert stream.write(text) == len(text)
                given += text
        stream.write(b"\n")
        while part := read(reader):
            out += part
            stream.write(b"")  # what is left of a line comes with the next write
        stream.finish()

    came, wanted = out.split(b"\n"), (given + b"\n").split(b"\n")
    assert is_part_in_order(came, wanted)
    assert len(came) + stream.dropped == len(wanted)
    assert messages or not stream.dropped


def test_a_failure_is_reported_once_when_it_begins_and_once_when_it_ends() -> None:
    messages: list[str] = []
    with small_pipe() as (reader, writer), LineStream(writer, "stdout", messages.append, timeout=0) as stream:
        for _ in range(10):
            stream.write(b"x" * 999 + b"\n")
        assert messages == ["stdout cannot be written: nobody reads it. Lines are dropped until it can."]

        assert len(read(reader, 10_000)) == 4000
        stream.write(b"again\n")
        stream.finish()

        assert read(reader, 10_000) == b"again\n"
    assert messages[1:] == ["stdout can be written again; 6 lines dropped meanwhile."]


def test_a_reader_that_is_slow_for_a_moment_loses_nothing() -> None:
    messages: list[str] = []
    with small_pipe() as (reader, writer):
        command = [sys.executable, "-c", "import sys; sys.stdin.buffer.read()"]
        os.set_blocking(reader, True)
        with (
            subprocess.Popen(command, stdin=reader) as process,
            LineStream(writer, "stdout", messages.append, timeout=DEADLINE) as stream,
        ):
            for _ in range(100):
                stream.write(b"x" * 999 + b"\n")
            process.kill()

    assert (messages, stream.dropped) == ([], 0)


@needs_full
def test_a_full_disk_is_reported_with_the_number_of_lines_at_the_end() -> None:
    messages: list[str] = []
    with open(FULL, "wb") as full, LineStream(full.fileno(), "stdout", messages.append) as stream:
        stream.write(b"one\ntwo\nthr")
        stream.write(b"ee\n")
        stream.finish()
        stream.write(b"too late\n")

    assert messages == [
        "stdout cannot be written: No space left on device. Lines are dropped until it can.",
        "3 lines could not be written to stdout: No space left on device.",
    ]


def test_a_closed_reader_is_an_error_of_each_write() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with LineStream(writer, "stdout", pytest.fail) as stream:
        for _ in range(2):
            with pytest.raises(BrokenPipeError):
                stream.write(b"line\n")
    os.close(writer)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals here")
def test_a_closed_terminal_is_a_closed_reader() -> None:
    master, slave = os.openpty()
    os.close(master)
    with LineStream(slave, "stdout", pytest.fail) as stream, pytest.raises(BrokenPipeError):
        stream.write(b"line\n")
    os.close(slave)


def test_streams_that_are_no_files_are_unchanged(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with surviving_output() as dropped:
        assert (sys.stdout, sys.stderr) == before
        sys.stdout.write("shown\n")

    assert capsys.readouterr().out == "shown\n"
    assert dropped() == 0


SCRIPT = """
import sys
from devkit.cli.line_stream import surviving_output
with surviving_output() as dropped:
    print("caf\\u00e9", flush=True)
    print("to stderr", file=sys.stderr)
    print("not flushed")
sys.exit(dropped())
"""


def run_script(redirections: str, **environ: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the script as a shell starts it."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {redirections}', sys.executable, SCRIPT],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": os.getcwd(), "PYTHONIOENCODING": "utf-8", **environ},
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("environ", [{}, {"PYTHONUNBUFFERED": "1"}])
def test_without_a_failure_the_output_is_unchanged(environ: dict[str, str]) -> None:
    assert run_script("", **environ) == (0, "caf\xe9\nnot flushed\n", "to stderr\n")


def test_a_stream_that_was_closed_from_the_start_takes_everything() -> None:
    assert run_script(">&-") == (0, "", "to stderr\n")
    # Where there is no sys.stderr, Python prints to stdout what is meant for it.
    assert run_script("2>&-") == (0, "caf\xe9\nnot flushed\n", "")


@needs_full
def test_both_streams_on_a_full_disk_are_no_failure() -> None:
    assert run_script("> /dev/full 2>&1") == (2, "", "")
    code, _, err = run_script("> /dev/full")
    assert code == 2
    assert err.splitlines() == [
        "Notice: stdout cannot be written: No space left on device. Lines are dropped until it can.",
        "to stderr",
        "Notice: 2 lines could not be written to stdout: No space left on device.",
    ]
