"""A TCP proxy in front of the relay's engine that fails as networks do: it cuts, delays, swallows and holds."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

from tests.support.raw_socket import DEADLINE

# Of the next group of entries: its request or its answer is lost, all of it or the second half, with the connection.
# Or only its answer is lost, and the connection seems to be alive.
Fault = Literal["cut request", "cut half the request", "cut answer", "cut half the answer", "swallow answer"]

_GROUP = b"XADD"
_MAX_HOLD = 6 * DEADLINE  # longer than a follower waits for an answer: 10 s


@dataclass(slots=True)
class EngineProxy:
    """Passes connections on to a port. delay: seconds before each piece of data is passed on."""

    target: int
    delay: float = 0.0
    met: threading.Event = field(default_factory=threading.Event)  # the fault has happened
    _fault: Fault | None = None
    _open: threading.Event = field(default_factory=threading.Event)
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}"

    def arm(self, fault: Fault) -> None:
        """Have it happen to the next group of entries, once."""
        self.met.clear()
        self._fault = fault

    def hold(self) -> None:
        """Pass nothing on, in any connection, until `release`: they are half-open."""
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def serve(self) -> None:
        self.release()
        with suppress(OSError):  # it was closed
            while True:
                client, _ = self._listener.accept()
                engine = socket.create_connection(("127.0.0.1", self.target), DEADLINE)
                thread = threading.Thread(target=_Connection(self, client, engine).run)
                self._threads.append(thread)
                thread.start()

    def close(self) -> None:
        """End when the clients have ended, and no sooner."""
        self.release()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(DEADLINE)

    def wait_to_pass(self) -> None:
        time.sleep(self.delay)
        self._open.wait(_MAX_HOLD)

    def take_fault(self, request: bytes) -> Fault | None:
        with self._lock:
            if request.count(_GROUP) < (2 if "half" in (self._fault or "") else 1):
                return None
            fault, self._fault = self._fault, None
            return fault


@dataclass(slots=True)
class _Connection:
    proxy: EngineProxy
    client: socket.socket
    engine: socket.socket
    _fault: Fault | None = None

    def run(self) -> None:
        answers = threading.Thread(target=self._pass_answers)
        answers.start()
        self._pass_requests()
        answers.join()
        self.client.close()
        self.engine.close()

    def _pass_requests(self) -> None:
        with suppress(OSError):
            while data := self.client.recv(1 << 20):
                self.proxy.wait_to_pass()
                self._fault = self._fault or self.proxy.take_fault(data)
                if self._fault in ("cut request", "cut half the request"):
                    self.engine.sendall(data[: len(data) // 2] if "half" in self._fault else b"")
                    self.proxy.met.set()
                    break
                self.engine.sendall(data)
        self._end()

    def _pass_answers(self) -> None:
        with suppress(OSError):
            while data := self.engine.recv(1 << 20):
                self.proxy.wait_to_pass()
                if not self._fault:
                    self.client.sendall(data)
                    continue
                self.client.sendall(data[: len(data) // 2] if "half" in self._fault else b"")
                self.proxy.met.set()
                if self._fault != "swallow answer":
                    break
        self._end()

    def _end(self) -> None:
        for each in (self.client, self.engine):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextmanager
def engine_proxy(target: int) -> Iterator[EngineProxy]:
    """A proxy to a port of this machine."""
    proxy = EngineProxy(target)
    thread = threading.Thread(target=proxy.serve)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()
