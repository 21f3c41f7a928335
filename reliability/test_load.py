"""Load: bursts, a steady stream, many idle and slow connections, endless unknown requests. No loss, no growth."""

import re
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from devkit.fixture.store import Store
from reliability.conftest import Figures, Often
from reliability.load import Senders, message_in, send_all, sending
from tests.support.dev_process import DevProcess, running_dev
from tests.support.raw_socket import Place, read_to_end

MEGABYTE = 1 << 20

QUIET = ("--offline", "--no-register", "--no-demo")


def memory(dev: DevProcess) -> int:
    """The memory of the process in bytes. Linux."""
    status = Path(f"/proc/{dev.process.pid}/status")
    if not status.exists():
        pytest.skip("the memory of a process is read from /proc")
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text())
    assert found
    return int(found[1]) * 1024


def place_of(url: str) -> Place:
    host, _, port = url.removeprefix("http://").partition(":")
    return host, int(port)


def test_a_burst_over_64_connections_is_recorded_whole(
    tmp_path: Path, often: Often, figures: Figures
) -> None:
    count = often(10_000, 960)
    with running_dev(tmp_path, *QUIET) as dev:
        url = dev.wait_for("ready")["local_url"]
        before = memory(dev)
        senders = Senders(url, prefix="B", connections=64, each=-(-count // 64))
        started = time.monotonic()
        send_all(senders)
        seconds = time.monotonic() - started
        grown = memory(dev) - before
        assert dev.stop() == 0
    stored = {message_in(entry.path) for entry in Store(tmp_path / "fixtures").entries()}

    sent = senders.answers.total()
    assert senders.answers == {200: sent}
    assert sent >= count
    assert stored == senders.acknowledged
    assert grown < 60 * MEGABYTE
    assert dev.names().count("receipt") == sent
    figures.note(
        f"burst: {sent} receipts over 64 connections in {seconds:.1f} s ({sent / seconds:.0f} a second, slowest"
        f" answer {senders.slowest * 1000:.0f} ms), {grown / MEGABYTE:+.1f} MB, 0 lost"
    )


def test_a_steady_stream_does_not_grow(tmp_path: Path, often: Often, figures: Figures) -> None:
    """The receipts of an hour at one a second, in a minute. After a warm-up, memory must not grow."""
    seconds = often(60, 4)
    with running_dev(tmp_path, *QUIET) as dev:
        url = dev.wait_for("ready")["local_url"]
        warm = memory_after(dev, url, "A", 600)
        started = time.monotonic()
        for part in range(seconds):
            senders = send_all(Senders(url, prefix=f"{part:02X}", connections=4, each=15))
            assert senders.answers == {200: 60}
            time.sleep(max(0, started + part + 1 - time.monotonic()))  # the pace
        grown = memory(dev) - warm
        assert dev.stop() == 0

    assert len(list(Store(tmp_path / "fixtures").entries())) == 60 * seconds + 600
    assert grown < 20 * MEGABYTE
    figures.note(
        f"steady: {60 * seconds} receipts in {seconds} s after 600 to warm up, {grown / MEGABYTE:+.1f} MB, 0 lost"
    )


def memory_after(dev: DevProcess, url: str, prefix: str, count: int) -> int:
    send_all(Senders(url, prefix=prefix, connections=4, each=count // 4))
    return memory(dev)


def test_a_crowd_of_idle_and_slow_connections_delays_nobody(
    tmp_path: Path, often: Often, figures: Figures
) -> None:
    crowd = often(1000, 200)
    with running_dev(tmp_path, *QUIET) as dev, ExitStack() as stack:
        url = dev.wait_for("ready")["local_url"]
        place = place_of(url)
        warm = memory_after(dev, url, "A", 40)
        slow: list[socket.socket] = []
        for number in range(crowd):
            peer = stack.enter_context(socket.create_connection(place, 30))
            if number % 3:
                peer.sendall(SLOW_HEADER if number % 3 == 1 else SLOW_BODY)
                slow.append(peer)
        drip(slow)
        senders = Senders(url, prefix="B", connections=8, each=25)
        with sending(senders):
            drip(slow)
        grown = memory(dev) - warm
        assert dev.stop() == 0
    stored = {message_in(entry.path) for entry in Store(tmp_path / "fixtures").entries()}

    assert senders.answers == {200: 200}
    assert senders.acknowledged <= stored
    assert len(stored) == 240
    assert grown < 80 * MEGABYTE
    figures.note(
        f"crowd: {crowd} connections idle, slow in the header or slow in the body; {len(senders.acknowledged)} receipts"
        f" beside them, slowest {senders.slowest * 1000:.0f} ms, {grown / MEGABYTE:+.1f} MB, 0 lost"
    )


SLOW_HEADER = b"POST /webhooks/delivery-receipt HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 30_000
SLOW_BODY = (
    b"POST /webhooks/delivery-receipt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65536\r\n\r\n"
    + b"x" * 30_000
)


def drip(peers: list[socket.socket]) -> None:
    for peer in peers:
        peer.sendall(b"x")


TOGETHER = 455  # as many as the server reads from a connection in one call: 8 KiB
REQUESTS = b"GET / HTTP/1.1\r\n\r\n" * (TOGETHER - 1) + b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"
ANSWER = b"HTTP/1.1 404 "


def test_requests_sent_together_delay_nobody(tmp_path: Path, often: Often, figures: Figures) -> None:
    """Each connection sends hundreds of requests without waiting for responses (HTTP pipelining)."""
    crowd = often(150, 50)
    with running_dev(tmp_path, *QUIET) as dev, ExitStack() as stack:
        url = dev.wait_for("ready")["local_url"]
        peers = [stack.enter_context(socket.create_connection(place_of(url), 30)) for _ in range(crowd)]
        for peer in peers:
            peer.sendall(REQUESTS)
        senders = send_all(Senders(url, prefix="B", connections=2, each=10))
        answered_by_then = sum(map(answers_so_far, peers))
        answered = sum(read_to_end(peer).count(ANSWER) for peer in peers)
        assert dev.stop() == 0
    stored = {message_in(entry.path) for entry in Store(tmp_path / "fixtures").entries()}

    assert senders.answers == {200: 20}
    assert senders.acknowledged == stored
    assert answered_by_then < answered == TOGETHER * crowd  # the connections were busy all the time
    assert senders.slowest < 2
    figures.note(
        f"pipelining: {crowd} connections with {TOGETHER} requests each; {len(stored)} receipts beside them, slowest"
        f" {senders.slowest * 1000:.0f} ms, 0 lost"
    )


def answers_so_far(peer: socket.socket) -> int:
    """The number of responses that can be read. None is read."""
    try:
        return peer.recv(1 << 20, socket.MSG_PEEK | socket.MSG_DONTWAIT).count(ANSWER)
    except BlockingIOError:
        return 0


def test_endless_unknown_requests_do_not_grow(tmp_path: Path, often: Often, figures: Figures) -> None:
    with running_dev(tmp_path, *QUIET) as dev:
        url = dev.wait_for("ready")["local_url"]
        flood(url, often(4000, 800))
        warm = memory(dev)
        sent = flood(url, often(8000, 800))
        grown = memory(dev) - warm
        assert dev.stop() == 0

    assert list(Store(tmp_path / "fixtures").entries()) == []
    assert grown < 10 * MEGABYTE
    figures.note(f"endless unknown requests: {sent} x 404, {grown / MEGABYTE:+.1f} MB, 0 recorded")


def flood(url: str, count: int) -> int:
    senders = Senders(
        url, prefix="X", connections=8, each=count // 8, target="/webhooks/delivery-receipt/guess"
    )
    send_all(senders)
    assert set(senders.answers) == {404}
    return senders.answers[404]
