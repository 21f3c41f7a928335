"""Waits until sockets can be read or written."""

import math
import select
from collections.abc import Collection

# Where there is no poll(), any two numbers will do.
READABLE, WRITABLE = getattr(select, "POLLIN", 1), getattr(select, "POLLOUT", 4)


def awaited(error: OSError, event: int) -> int:
    """What has to be waited for before a call that failed is made again; 0 when it would fail again.

    event: what the call itself needs. Encryption may have to read before it writes, and the other way round.
    """
    if isinstance(error, BlockingIOError):
        return event
    # By name, since `ssl` is there for https only.
    return {"SSLWantReadError": READABLE, "SSLWantWriteError": WRITABLE}.get(type(error).__name__, 0)


def ready(files: Collection[int], seconds: float, event: int) -> Collection[int]:
    """Those of the files that can be read, or written; waits for one at most so many seconds."""
    if not hasattr(select, "poll"):  # Windows
        asked = (files, []) if event == READABLE else ([], files)
        return set().union(*select.select(*asked, [], max(seconds, 0)))
    poll = select.poll()  # select() ends at 1024 file descriptors, and a busy receiver may hold more
    for file in files:
        poll.register(file, event)
    return {file for file, _ in poll.poll(math.ceil(max(seconds, 0) * 1000))}
