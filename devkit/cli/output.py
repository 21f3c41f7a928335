"""stdout and stderr that survive a full disk, a slow pipe and a closed terminal."""

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

_GONE = (errno.EPIPE, errno.EIO)

# Seconds to wait for a reader that has fallen behind, where a write does not wait by itself. Only once: while lines are
# dropped, nothing waits.
_PATIENCE = 1.0

_LONGEST_REST = 64 * 1024  # bytes of a line that was written in part

Say = Callable[[str], None]


class LineStream(io.FileIO):
    """The file below a text stream. Each line is written whole or not at all, and a write never fails halfway.

    name: how messages call it. say: takes what there is to say about dropped lines, once when they begin, and once
    with their number when a line can be written again.
    """

    def __init__(self, file: int, name: str, say: Say, *, patience: float = _PATIENCE) -> None:
        super().__init__(file, "w", closefd=False)
        self._title, self._say, self._patience = name, say, patience
        self._rest = b""  # of a line whose beginning is out
        self._inside = False  # whether the last byte that is out ended no line
        self._skipping = False  # whether the beginning of the line that comes now was dropped
        self._trouble = ""
        self._dropped = 0
        self.dropped = 0  # lines so far
        self.busy = False  # whether a thread is inside a write
        self._finished = False

    def write(self, data: object) -> int:
        """Raises BrokenPipeError when nobody will ever read it."""
        given = bytes(data)  # type: ignore[call-overload]  # what Buffer is called before Python 3.12
        if not self._finished:
            self.busy = True
            try:
                self._take(given)
            finally:
                self.busy = False
        return len(given)

    def finish(self) -> None:
        """Say how many lines were dropped, if that is not said yet. What comes later is ignored."""
        with suppress(BrokenPipeError):
            self.write(b"")  # what is left of a line
        self._finished = True
        self._count(bool(self._rest))
        if self._trouble:
            self._say(f"{_lines(self._dropped)} could not be written to {self._title}: {self._trouble}.")

    def _take(self, data: bytes) -> None:
        if self._skipping:
            _, end, data = data.partition(b"\n")
            if not end:
                return
            self._skipping = False
        data = self._rest + data
        written = self._put(data)
        if written:
            self._inside = not data.endswith(b"\n", 0, written)
        self._rest = b""
        if written < len(data):
            self._drop(data[written:])
        elif data and self._trouble:
            self._trouble = ""
            self._say(f"{self._title} can be written again; {_lines(self._dropped)} dropped meanwhile.")
            self._dropped = 0

    def _put(self, data: bytes) -> int:
        """How many of the bytes were written."""
        left, deadline = memoryview(data), time.monotonic() + (0 if self._trouble else self._patience)
        trouble = ""
        while left and not trouble:
            try:
                written = super().write(left)  # None when it would have to wait
            except OSError as error:
                if error.errno in _GONE:
                    raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from error
                trouble = error.strerror or str(error)
            else:
                left = left[written or 0 :]
                if written is None and not self._is_ready(deadline - time.monotonic()):
                    trouble = "nobody reads it"
        if trouble and not self._trouble:
            self._trouble = trouble
            self._say(f"{self._title} cannot be written: {trouble}. Lines are dropped until it can.")
        return len(data) - len(left)

    def _is_ready(self, seconds: float) -> bool:
        """Whether it can be written again within so many seconds."""
        if seconds <= 0 or not hasattr(select, "poll"):
            return False
        poll = select.poll()
        poll.register(self.fileno(), select.POLLOUT)
        return bool(poll.poll(seconds * 1000))

    def _drop(self, data: bytes) -> None:
        if self._inside:  # or this end of a line would be the beginning of the next
            rest, end, data = data.partition(b"\n")
            self._rest = (rest + end)[:_LONGEST_REST]
        self._skipping = not data.endswith(b"\n") and bool(data)
        self._count(data.count(b"\n") + self._skipping)

    def _count(self, lines: int) -> None:
        self._dropped += lines
        self.dropped += lines


def _lines(count: int) -> str:
    return f"{count or 'no'} line{'' if count == 1 else 's'}"


@contextmanager
def surviving_output() -> Iterator[Callable[[], int]]:
    """sys.stdout and sys.stderr survive trouble while the block runs. Gives the number of lines that stdout dropped.

    A stream that was closed before Python started takes everything, and loses it.
    """
    former = sys.stdout, sys.stderr
    say = partial(_say, _file_of(sys.stderr))
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        files = [_surviving(name, say, nowhere) for name in ("stdout", "stderr")]
        try:
            yield lambda: files[0].dropped if files[0] else 0
        finally:
            for file, stream in zip(files, (sys.stdout, sys.stderr), strict=True):
                # One that is busy still is held in another thread, by a terminal for example: do not wait for it.
                if file and not file.busy:
                    with suppress(BrokenPipeError):
                        stream.flush()
                    file.finish()
            sys.stdout, sys.stderr = former


def _surviving(name: str, say: Say, nowhere: TextIO) -> LineStream | None:
    """Replace one of sys' streams; the file below it, None where it is none of the system's, as in a test."""
    stream: TextIO | None = getattr(sys, name)
    if stream is None:
        setattr(sys, name, nowhere)
    if (number := _file_of(stream)) is None or not isinstance(stream, io.TextIOWrapper):
        return None
    file = LineStream(number, name, say)
    replacement = io.TextIOWrapper(
        # Without a buffer under PYTHONUNBUFFERED, as it was.
        file if isinstance(stream.buffer, io.RawIOBase) else io.BufferedWriter(file),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    setattr(sys, name, replacement)
    return file


def _file_of(stream: TextIO | None) -> int | None:
    """The number of the file below a text stream; None where there is none, as for a console of Windows."""
    if not isinstance(stream, io.TextIOWrapper):
        return None
    raw = getattr(stream.buffer, "raw", stream.buffer)
    return raw.fileno() if isinstance(raw, io.FileIO) else None


def _say(file: int | None, words: str) -> None:
    if file is not None:
        with suppress(OSError):  # it may be on the same full disk
            os.write(file, f"Notice: {words}\n".encode())
