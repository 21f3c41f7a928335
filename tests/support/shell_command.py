"""Sends what an exported command sends when a shell runs it."""

import os
import subprocess

from devkit.webhook.callback import Callback
from tests.support.recording_server import RecordingServer


def sent_by(command: str, server: RecordingServer, shell: str = "sh") -> Callback:
    """The one request that a shell command sends to a server."""
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    subprocess.run([shell, "-c", command], env=environ, capture_output=True, check=True, timeout=20)
    (request,) = server.arrived
    return request


def without(headers: tuple[tuple[str, str], ...], *names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in headers if name.lower() not in names)
