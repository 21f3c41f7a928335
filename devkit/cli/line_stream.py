"""stdout and stderr that survive a full disk, a slow reader and a closed terminal: they drop whole lines."""

import errno
import io
import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TextIO

from devkit.webhook.masking import counted

_GONE = (errno.EPIPE, errno.EIO)

# Seconds to wait for a reader that has fallen behind, where a write does not block. Only once: while lines are
# dropped, no write waits.
_READER_TIMEOUT = 1.0

_LONGEST_REST = 64 * 1024  # bytes of a line that was written in part


class LineStream(io.FileIO):
    """The file below a text stream. Each line is written whole or dropped whole, and a full disk raises no error.

    name: the stream's name in messages. notify: called with a message when the first line is dropped, and with the
    number of dropped lines when the stream can be written again. timeout: seconds to wait for a slow reader.
    """

    def __init__(
        self, file: int, name: str, notify: Callable[[str], None], *, timeout: float = _READER_TIMEOUT
    ) -> None:
        super().__init__(file, "w", closefd=False)
        self._title, self._notify, self._timeout = name, notify, timeout
        self._rest = b""  # the end of a line whose beginning is written
        self._inside_line = False  # whether the last byte written is in the middle of a line
        self._skipping = False  # whether the beginning of the current line was dropped
        self._error = ""
        self.dropped = 0  # lines
        self._reported = 0  # of the dropped lines
        self.busy = False  # whether a thread is inside a write
        self._finished = False

    def write(self, data: object) -> int:
        """Raises BrokenPipeError when the reader is gone."""
        given = bytes(data)  # type: ignore[call-overload]  # what Buffer is called before Python 3.12
        if not self._finished:
            self.busy = True
            try:
                self._write_lines(given)
            finally:
                self.busy = False
        return len(given)

    def finish(self) -> None:
        """Report the dropped lines that were not reported yet. Later writes are ignored."""
        with suppress(BrokenPipeError):
            self.write(b"")  # the rest of a line
        self._finished = True
        self.dropped += bool(self._rest)
        if self._error:
            self._notify(
                f"{_lines(self.dropped - self._reported)} could not be written to {self._title}: {self._error}."
            )

    def _write_lines(self, data: bytes) -> None:
        if self._skipping:
            _, end, data = data.partition(b"\n")
            if not end:
                return
            self._skipping = False
        data = self._rest + data
        written = self._write_some(data)
        if written:
            self._inside_line = not data.endswith(b"\n", 0, written)
        self._rest = b""
        if written < len(data):
            self._drop(data[written:])
        elif data and self._error:
            self._error = ""
            lines = _lines(self.dropped - self._reported)
            self._notify(f"{self._title} can be written again; {lines} dropped meanwhile.")
            self._reported = self.dropped

    def _write_some(self, data: bytes) -> int:
        """Write what the file takes; the number of bytes written."""
        left, deadline = memoryview(data), time.monotonic() + (0 if self._error else self._timeout)
        problem = ""
        while left and not problem:
            try:
                written = super().write(left)  # None when it would block
            except OSError as error:
                if error.errno in _GONE:
                    raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from error
                problem = error.strerror or str(error)
            else:
                left = left[written or 0 :]
                if written is None and not self._is_ready(deadline - time.monotonic()):
                    problem = "nobody reads it"
        if problem and not self._error:
            self._error = problem
            self._notify(f"{self._title} cannot be written: {problem}. Lines are dropped until it can.")
        return len(data) - len(left)

    def _is_ready(self, seconds: float) -> bool:
        """Whether the file can be written within so many seconds."""
        if seconds <= 0 or not hasattr(select, "poll"):
            return False
        poll = select.poll()
        poll.register(self.fileno(), select.POLLOUT)
        return bool(poll.poll(seconds * 1000))

    def _drop(self, data: bytes) -> None:
        if self._inside_line:  # the rest comes first later, or it would begin the next line
            rest, end, data = data.partition(b"\n")
            self._rest = (rest + end)[:_LONGEST_REST]
        self._skipping = not data.endswith(b"\n") and bool(data)
        self.dropped += data.count(b"\n") + self._skipping


def _lines(count: int) -> str:
    return counted(count, "line") if count else "no lines"


@contextmanager
def surviving_output() -> Iterator[Callable[[], int]]:
    """Make sys.stdout and sys.stderr robust while the block runs. Gives a function: how many lines stdout dropped.

    What is written to a stream that was closed before Python started is lost.
    """
    former = sys.stdout, sys.stderr
    notify = partial(_write_notice, _descriptor(sys.stderr))
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        files = [_replace(name, notify, nowhere) for name in ("stdout", "stderr")]
        try:
            yield lambda: files[0].dropped if files[0] else 0
        finally:
            for file, stream in zip(files, (sys.stdout, sys.stderr), strict=True):
                # A busy one is blocked in another thread, for example by a terminal after Ctrl-S: do not wait for it.
                if file and not file.busy:
                    with suppress(BrokenPipeError):
                        stream.flush()
                    file.finish()
            sys.stdout, sys.stderr = former


def _replace(name: str, notify: Callable[[str], None], nowhere: TextIO) -> LineStream | None:
    """Replace one of sys' streams; the file below it, None when it is no file, as in a test."""
    stream: TextIO | None = getattr(sys, name)
    if stream is None:
        setattr(sys, name, nowhere)
    if (descriptor := _descriptor(stream)) is None or not isinstance(stream, io.TextIOWrapper):
        return None
    file = LineStream(descriptor, name, notify)
    replacement = io.TextIOWrapper(
        # Without a buffer under PYTHONUNBUFFERED, as before.
        file if isinstance(stream.buffer, io.RawIOBase) else io.BufferedWriter(file),
        encoding=stream.encoding,
        errors="backslashreplace",  # foreign text need not be in the encoding of a pipe
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    setattr(sys, name, replacement)
    return file


def _descriptor(stream: TextIO | None) -> int | None:
    """The file descriptor below a text stream; None when there is none, as on a Windows console."""
    if not isinstance(stream, io.TextIOWrapper):
        return None
    raw = getattr(stream.buffer, "raw", stream.buffer)
    return raw.fileno() if isinstance(raw, io.FileIO) else None


def _write_notice(descriptor: int | None, text: str) -> None:
    if descriptor is not None:
        with suppress(OSError):  # it may be on the same full disk
            os.write(descriptor, f"Notice: {text}\n".encode())
