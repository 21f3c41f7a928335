"""A real engine for the relay: a redis-server of its own on loopback, with the settings of docs/relay.md."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from tests.support.raw_socket import DEADLINE

DURABLE = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory": "200mb",
    "maxmemory-policy": "noeviction",
}
_ATTEMPTS = 5  # another process can take the free port before the server does


class RedisServer:
    """One server process. directory: of its files, which outlast `kill` and `start`."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self.directory = directory
        self._settings = {"save": "", **DURABLE, **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        for _ in range(_ATTEMPTS):
            self.port = _free_port()
            if self._start():
                return
        raise AssertionError(f"redis-server does not start: {self.log}")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    @property
    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port)

    def start(self) -> None:
        """Start it again on the same port, with the same files."""
        assert self._start(), self.log

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def wait_for_end(self) -> int:
        """Wait until it ends by itself; its exit code."""
        assert self._process
        return self._process.wait(DEADLINE)

    def freeze(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self.thaw()
        self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process
        self._process.send_signal(number)
        self._process.wait(DEADLINE)

    def _start(self) -> bool:
        options = [part for name, value in self._settings.items() for part in (f"--{name}", value)]
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", *options]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self.directory, stdout=log, stderr=log)
        deadline = time.monotonic() + DEADLINE
        with self.client as client:
            while self._process.poll() is None and time.monotonic() < deadline:
                try:
                    return bool(client.info()["process_id"] == self._process.pid)
                except redis.BusyLoadingError:
                    pass
                except redis.ConnectionError:
                    time.sleep(0.005)
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def require_redis_server() -> None:
    """Skip the test where there is no redis-server; fail it where there must be one."""
    if shutil.which("redis-server"):
        return
    if os.environ.get("REDIS_TESTS") == "required":
        raise AssertionError("there is no redis-server, and REDIS_TESTS=required")
    pytest.skip("needs redis-server: apt-get install redis-server")


@contextmanager
def redis_server(directory: Path, **settings: str) -> Iterator[RedisServer]:
    """A server of its own, for tests that kill, freeze or fill it."""
    require_redis_server()
    server = RedisServer(directory, **settings)
    try:
        yield server
    finally:
        server.stop()
