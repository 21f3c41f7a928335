"""A gateway between devkit and a simulator: records every settings call, and runs hooks at chosen ones."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from urllib.parse import parse_qs

from devkit.simulator import Fault, Simulator
from devkit.webhook.callback import Callback
from tests.support.recording_server import RecordingServer, Response

Hook = Callable[[], object]


class Gateway(RecordingServer):
    """before, after: hooks, by the number of the call, counted from 0.

    calls: the callback URL that each settings call sets; None for a call that only reads.
    """

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.before: dict[int, Hook] = {}
        self.after: dict[int, Hook] = {}
        self.calls: list[str | None] = []
        self._lock = threading.Lock()
        super().__init__(self._forward)

    @property
    def changes(self) -> list[str]:
        return [url for url in self.calls if url is not None]

    def fail_at(self, number: int, fault: str) -> None:
        """Have the simulator play a fault for this call only."""
        once = (Fault(fault, times=1, seconds=0.01),)
        self.before[number] = lambda: self.simulator.configure(lambda options: replace(options, faults=once))

    def _forward(self, call: Callback) -> Response | None:
        url = parse_qs(call.body.decode(), keep_blank_values=True).get("drCallBackUrl", [None])[0]
        with self._lock:
            number = len(self.calls)
            self.calls.append(url)
        self.before.get(number, bool)()
        try:
            return forward(call, self.simulator.host)
        finally:
            self.after.get(number, bool)()


def forward(request: Callback, host: str) -> Response | None:
    """The response of another server; None when it hangs up."""
    connection = HTTPConnection(host, timeout=30)
    try:
        connection.request(request.method, request.target, request.body, dict(request.headers))
        response = connection.getresponse()
        return Response(response.status, response.read(), response.headers.get("Content-Type", ""))
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


@contextmanager
def gateway_to(simulator: Simulator) -> Iterator[Gateway]:
    with closing(Gateway(simulator)) as gateway:
        yield gateway
