"""A WSGI application served on a socket of ours, with headers handed over as they arrived."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import create_server
from waitress.task import ErrorTask, WSGITask

from devkit.errors import ConfigurationError
from devkit.wsgi import FOLDED_KEY, HEADERS_KEY, WSGIApplication

MAX_BODY = 64 * 1024  # bytes; a receipt has a few hundred
_MAX_HEADER = 32 * 1024  # bytes, request line included
_STOP_SECONDS = 5  # for requests under way when the server is told to stop
_MAX_CONNECTIONS = 1100
_MAX_CONNECTIONS_SELECT = 400
_SPARE_FILES = 100  # of those a process may open: for recordings, the other servers, and what Python needs


def listen(host: str, port: int, *, option: str = "--port") -> socket.socket:
    """A listening socket; port 0 takes a free one.

    option: what the user types to choose another. Raises ConfigurationError when the port can't be had.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows: there SO_REUSEADDR shares a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or "not a port number"
        raise ConfigurationError(
            f"Port {port} cannot be used: {reason}.",
            hint=f"Stop the program that has it, or choose another port with {option} (0 takes any free one).",
        ) from error
    return listener


@contextmanager
def serve(
    app: WSGIApplication,
    listener: socket.socket,
    *,
    threads: int = 8,
    max_body: int = MAX_BODY,
    patience: float = 30,
) -> Iterator[None]:
    """Serve while the block runs; on the way out, requests under way are finished and everything is closed.

    threads: requests handled at once. max_body: bytes; above it 413, before the body is read.
    patience: seconds for a request to arrive whole, and for an idle connection to stay.
    """
    # It would print a line for each request that has to wait for a thread, which is no news under load.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server: Any = create_server(
        app,
        sockets=[listener],
        threads=threads,
        ident=None,  # no Server header
        max_request_body_size=max_body + 1,
        max_request_header_size=_MAX_HEADER,
        connection_limit=_most_connections(),
        asyncore_use_poll=True,  # select() ends at 1024 file descriptors
        clear_untrusted_proxy_headers=False,  # they are part of what arrived
    )
    # Set here, not above, where only whole seconds are taken.
    server.adj.channel_timeout, server.adj.cleanup_interval = patience, min(1, patience / 4)
    server.channel_class = _Channel
    loop = threading.Thread(target=server.run, name=f"server-{listener.getsockname()[1]}", daemon=True)
    loop.start()
    try:
        yield
    finally:
        _stop(server, loop)


def _most_connections() -> int:
    """As many as the process may have; accepting one more than it may open files for fails in a busy loop."""
    try:
        from resource import RLIMIT_NOFILE, getrlimit
    except ImportError:  # Windows, where select() takes 512 sockets, and fails beyond
        return _MAX_CONNECTIONS_SELECT
    files = getrlimit(RLIMIT_NOFILE)[0]
    return _MAX_CONNECTIONS if files < 0 else max(_SPARE_FILES, min(_MAX_CONNECTIONS, files - _SPARE_FILES))


def _stop(server: Any, loop: threading.Thread) -> None:
    # Sockets are closed by the thread that polls them; a trigger's thunk runs there.
    server.trigger.pull_trigger(lambda: wasyncore.dispatcher.close(server))
    deadline = time.monotonic() + _STOP_SECONDS
    while _busy(server) and time.monotonic() < deadline:
        time.sleep(0.01)
    with server.trigger.lock:  # or the loop closes the trigger before the write that wakes it up
        server.trigger.thunks.append(lambda: _close_all(server))
        server.trigger.pull_trigger()
    loop.join(_STOP_SECONDS)
    server.task_dispatcher.shutdown(timeout=_STOP_SECONDS)


def _busy(server: Any) -> bool:
    channels = list(server.active_channels.values())
    return any(channel.requests or channel.total_outbufs_len for channel in channels)


def _close_all(server: Any) -> None:
    for dispatcher in list(server._map.values()):
        dispatcher.close()


class _Parser(HTTPRequestParser):
    """Keeps the headers as they arrived; waitress merges them, renames them and drops some."""

    pairs: tuple[tuple[str, str], ...] = ()
    folded = False

    def parse_header(self, header_plus: bytes) -> None:
        line, end, rest = header_plus.partition(b"\r\n")
        try:
            super().parse_header(_as_ascii(line) + end + rest)
        except ValueError as error:  # such as the host of `GET http://[/`
            raise ParsingError("the target cannot be read") from error
        if not line.isascii():
            self.request_uri = line.split(b" ")[1].decode("latin-1")
        self.pairs = _pairs(header_plus)
        self.folded = b"\r\n " in header_plus or b"\r\n\t" in header_plus
        names = [name.lower() for name, _ in self.pairs]
        coded = names.count("transfer-encoding")
        if coded and (not self.chunked or coded > 1 or "content-length" in names):
            # Two programs that read such a request could see its end in two places (RFC 9112, section 6.1).
            raise ParsingError("where the body ends is not clear")

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if self.completed:
            # Nothing more is due, or it was refused: `100 Continue` would have waitress wait for a body.
            self.expect_continue = False
        return consumed


class _Task(WSGITask):
    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        request: Any = self.request
        environ[HEADERS_KEY], environ[FOLDED_KEY] = request.pairs, request.folded
        return environ


class _ErrorTask(ErrorTask):
    """A refusal without words: the usual page names the server and quotes its limits."""

    def execute(self) -> None:
        request: Any = self.request
        error = request.error
        self.status = f"{error.code} {error.reason}"
        self.set_close_on_finish()
        self.content_length = 0
        self.write(b"")


class _Channel(HTTPChannel):
    parser_class = _Parser
    task_class = _Task
    error_task_class = _ErrorTask

    def handle_read(self) -> None:
        # The clock of a request starts with its first bytes: a body that drips in does not buy time.
        under_way, started = self.request is not None, self.last_activity
        super().handle_read()
        if under_way:
            self.last_activity = started


def _as_ascii(line: bytes) -> bytes:
    # waitress refuses a request line with other bytes; some clients put a receipt's UTF-8 there as it is.
    if line.isascii():
        return line
    return b"".join(b"%c" % byte if byte < 0x80 else b"%%%02X" % byte for byte in line)


def _pairs(block: bytes) -> tuple[tuple[str, str], ...]:
    pairs: list[tuple[str, str]] = []
    for line in block.decode("latin-1").split("\r\n")[1:]:
        if line[:1] in (" ", "\t") and pairs:  # a folded line goes on with the value above
            name, value = pairs.pop()
            pairs.append((name, " ".join((value, line.strip(" \t")))))
        elif line:
            name, _, value = line.partition(":")
            pairs.append((name, value.strip(" \t")))
    return tuple(pairs)
