"""Fails a test that connects to another machine. Only in this process: the processes of a test are not checked."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from devkit.http.local_access import is_loopback


class Elsewhere(AssertionError):
    """A test tried to connect to another machine."""


class _Socket(socket.socket):
    def connect(self, address: Any) -> None:
        _check(address)
        super().connect(address)

    def connect_ex(self, address: Any) -> int:
        _check(address)
        return super().connect_ex(address)


def _check(address: Any) -> None:
    # The address of a Unix socket is a path.
    if isinstance(address, tuple) and not (is_loopback(str(address[0])) or address[0] in ("localhost", "")):
        raise Elsewhere(f"a test connects to {address[0]}; tests stay on this machine")


@contextmanager
def loopback_only() -> Iterator[None]:
    """Sockets that are created while the block runs connect to this machine only."""
    real = socket.socket
    socket.socket = _Socket  # type: ignore[misc]
    try:
        yield
    finally:
        socket.socket = real  # type: ignore[misc]
