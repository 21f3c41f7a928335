"""Stands between devkit and a simulator: keeps every settings call, and can do something about a chosen one."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from devkit.simulator import Fault, Simulator
from devkit.vonage.account import CALLBACK_PARAMETER

Hook = Callable[[], None]


class Gateway(ThreadingHTTPServer):
    """before, after: what to do when the call of that number came, or was carried out; counted from 0.

    calls: the callback that each settings call has set, None for a mere look.
    """

    daemon_threads = True

    def __init__(self, simulator: Simulator) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.simulator = simulator
        self.host = f"127.0.0.1:{self.server_port}"
        self.before: dict[int, Hook] = {}
        self.after: dict[int, Hook] = {}
        self.calls: list[str | None] = []
        self.lock = threading.Lock()

    @property
    def changes(self) -> list[str]:
        return [url for url in self.calls if url is not None]

    def fail_at(self, number: int, fault: str) -> None:
        """Have the simulator play a fault for the call of that number alone."""
        once = (Fault(fault, times=1, seconds=0.01),)
        self.before[number] = lambda: self.simulator.configure(lambda options: replace(options, faults=once))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Gateway

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = parse_qs(body.decode(), keep_blank_values=True).get(CALLBACK_PARAMETER, [None])[0]
        with self.server.lock:
            number = len(self.server.calls)
            self.server.calls.append(url)
        self.server.before.get(number, _nothing)()
        try:
            status, kind, answer = self._forward(body)
        except (OSError, HTTPException):
            self.close_connection = True
            return
        finally:
            self.server.after.get(number, _nothing)()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _forward(self, body: bytes) -> tuple[int, str, bytes]:
        connection = HTTPConnection(self.server.simulator.host, timeout=30)
        try:
            connection.request("POST", self.path, body, dict(self.headers.items()))
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Content-Type", ""), answer.read()
        finally:
            connection.close()

    def handle(self) -> None:
        with suppress(ConnectionError):  # who asked was killed meanwhile
            super().handle()

    def log_message(self, *args: object) -> None:
        pass


def _nothing() -> None:
    pass


@contextmanager
def gateway_to(simulator: Simulator) -> Iterator[Gateway]:
    with Gateway(simulator) as gateway:
        thread = threading.Thread(target=gateway.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield gateway
        finally:
            gateway.shutdown()
            thread.join()
