"""An HTTP server that records each request to the byte and responds as a test says."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import repeat

from devkit.webhook.callback import Callback
from tests.support.parsed_request import received
from tests.support.raw_socket import DEADLINE, RawServer


@dataclass(frozen=True, slots=True)
class Response:
    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"

    def to_wire(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} Words", f"Content-Length: {len(self.body)}"]
        if self.body:
            lines.append(f"Content-Type: {self.content_type}")
        return "".join(f"{line}\r\n" for line in [*lines, ""]).encode() + self.body


# The response to a request; None hangs up. For any thread.
Respond = Callable[[Callback], Response | None]


class RecordingServer(RawServer):
    """arrived: the requests, oldest first. respond: may be changed while it runs."""

    def __init__(
        self,
        respond: Respond = lambda request: Response(),
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.arrived: list[Callback] = []
        self.respond = respond
        self._tls = tls
        self._news = threading.Condition()
        super().__init__(repeat(lambda _, connection: self._converse(connection)), port=port)

    def wait_for_arrival(self, condition: Callable[[], bool]) -> bool:
        """Whether it holds in time, asked again at each request."""
        with self._news:
            return self._news.wait_for(condition, DEADLINE)

    def _converse(self, connection: socket.socket) -> None:
        if self._tls:
            with suppress(ssl.SSLError), self._tls.wrap_socket(connection, server_side=True) as secure:
                self._open.add(secure)
                self._respond_on(secure)
        else:
            self._respond_on(connection)

    def _respond_on(self, connection: socket.socket) -> None:
        connection.settimeout(None)  # a client may keep its connection as long as it likes
        wants_more = True
        while wants_more:
            request = received(self.read_request(connection))
            with self._news:
                self.arrived.append(request)
                self._news.notify_all()
            response = self.respond(request)
            if response is None:
                return
            connection.sendall(response.to_wire())
            wants_more = (request.header("Connection") or "").lower() != "close"


@contextmanager
def recording_server(
    respond: Respond = lambda request: Response(), *, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[RecordingServer]:
    with closing(RecordingServer(respond, port=port, tls=tls)) as server:
        yield server
