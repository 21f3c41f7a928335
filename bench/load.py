"""Sends receipts as fast as the server takes them: with wrk (a Debian package), else with `bench.client`."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.subject import PYTHON, environment

TRANSPORTS = ("get", "form", "json")
MESSAGES = ("sms", "unreceipted")  # requests to send a message: with three receipts, and with none


@dataclass(frozen=True, slots=True)
class Load:
    """The result of one run. taken: responses. p99: milliseconds. errors: no response, or not 2xx."""

    taken: int
    per_second: float
    p99: float
    errors: int


def has_wrk() -> bool:
    return shutil.which("wrk") is not None


def drive(port: int, path: str, *, connections: int, seconds: float, transport: str = "get") -> Load:
    """Keep the connections busy for so many seconds. wrk takes whole seconds only."""
    if has_wrk():
        argv = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s"]
        argv += ["-s", str(Path(__file__).with_name("load.lua"))]
        argv += [f"http://127.0.0.1:{port}{path}", "--", transport]
    else:
        argv = [PYTHON, "-m", "bench.client", str(port), path, str(connections), str(seconds), transport]
    result = subprocess.run(
        argv, env=environment(), capture_output=True, text=True, check=True, timeout=seconds + 60
    )
    return read_result(result.stdout)


def read_result(text: str) -> Load:
    """Parse the last line of both clients: requests, microseconds, p99 in microseconds, errors."""
    line = next(line for line in text.splitlines() if line.startswith("BENCH "))
    requests, microseconds, p99, errors = map(int, line.split()[1:])
    return Load(requests, requests / microseconds * 1e6, p99 / 1000, errors)
