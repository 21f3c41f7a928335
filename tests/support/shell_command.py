"""What the commands of `devkit.export` send when a shell runs them."""

import os
import socket
import subprocess
import threading

from devkit.webhook.callback import Callback


def sent_by(command: str, listener: socket.socket, shell: str = "sh") -> Callback:
    """The request that a shell command sends to a listener."""
    taken: list[Callback] = []
    server = threading.Thread(target=lambda: taken.append(_take(listener)))
    server.start()
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    subprocess.run([shell, "-c", command], env=environ, capture_output=True, check=True, timeout=20)
    server.join(20)
    return taken[0]


def _take(listener: socket.socket) -> Callback:
    connection, _ = listener.accept()
    with connection, connection.makefile("rb") as stream:
        connection.settimeout(20)
        method, target, _ = stream.readline().decode("latin-1").split(" ")
        headers = []
        while (line := stream.readline().decode("latin-1").rstrip("\r\n")) != "":
            name, _, value = line.partition(":")
            headers.append((name, value.removeprefix(" ")))
        request = Callback(method, target, tuple(headers))
        body = stream.read(int(request.header("Content-Length") or 0))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    return Callback(method, target, request.headers, body)


def without(headers: tuple[tuple[str, str], ...], *names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in headers if name.lower() not in names)
