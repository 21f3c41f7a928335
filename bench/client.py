"""A small load client for machines without wrk. It is slower than wrk, so ratios come out nearer to 1."""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from statistics import quantiles
from typing import cast

from devkit.http.response import InvalidResponse, read_response
from devkit.webhook.callback import Transport, compose, to_wire

_SMS = {"api_key": "abcd1234", "api_secret": "S3cretSimulator", "from": "AcmeInc", "text": "A message"}
_RECIPIENTS = {"sms": "447700900000", "unreceipted": "447700900105"}  # delivered; never a receipt


@dataclass(slots=True)
class Result:
    """Shared by all connections. seconds: of each response. errors: each status that is not 2xx; 0 for no response."""

    until: float
    ids: Iterator[int] = field(default_factory=count)
    seconds: list[float] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)


def keep_busy(port: int, path: str, transport: str, result: Result) -> None:
    """Send receipts one after the other. A connection is reused until the server closes it."""
    while time.perf_counter() < result.until:
        try:
            with socket.create_connection(("127.0.0.1", port), 10) as connection:
                _send_requests(connection, path, transport, result)
        except (OSError, InvalidResponse):
            result.errors.append(0)


def _send_requests(connection: socket.socket, path: str, transport: str, result: Result) -> None:
    reusable = True
    while reusable and (started := time.perf_counter()) < result.until:
        connection.sendall(_request(path, transport, next(result.ids)))
        response = read_response(connection.recv, "GET")
        result.seconds.append(time.perf_counter() - started)
        if response.status // 100 != 2:
            result.errors.append(response.status)
        reusable = response.reusable


def _request(path: str, transport: str, number: int) -> bytes:
    if transport in _RECIPIENTS:
        return to_wire(compose({**_SMS, "to": _RECIPIENTS[transport]}, "form", target=path))
    fields = {
        "msisdn": "447700900001",
        "to": "AcmeInc",
        "network-code": "23410",
        "messageId": f"0A{number:014X}",
        "price": "0.03330000",
        "status": "delivered",
        "scts": "2001011400",
        "err-code": "0",
        "api-key": "abcd1234",
        "client-ref": "bench",
        "message-timestamp": "2020-01-01 12:00:00",
        "extra": "1",
    }
    return to_wire(compose(fields, cast("Transport", transport), target=path))


def main(port: int, path: str, connections: int, seconds: float, transport: str) -> None:
    started = time.perf_counter()
    result = Result(started + seconds)
    arguments = (port, path, transport, result)
    threads = [threading.Thread(target=keep_busy, args=arguments) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    passed = time.perf_counter() - started
    p99 = quantiles(result.seconds, n=100)[98] if len(result.seconds) > 1 else 0.0
    print("BENCH", len(result.seconds), round(passed * 1e6), round(p99 * 1e6), len(result.errors))


if __name__ == "__main__":
    _, port, path, connections, seconds, transport = sys.argv
    main(int(port), path, int(connections), float(seconds), transport)
