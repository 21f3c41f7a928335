"""An application behind devkit's own server, for tests of what the server hands over and answers."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from devkit.http.request import callback_of
from devkit.http.server import listen, serve
from devkit.webhook.callback import Callback
from tests.support.raw_socket import Place

CLOSE = b"Connection: close\r\n"  # a header, for who reads an answer to its end


class App:
    """Keeps what it is given. during: runs in each request, before the answer."""

    def __init__(self, during: Callable[[], object] = lambda: None) -> None:
        self.taken: list[Callback] = []
        self.notes: list[str] = []
        self._during = during

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        callback, note = callback_of(environ, environ["wsgi.input"].read())
        self.taken.append(callback)
        self.notes.append(note)
        self._during()
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]


Running = Callable[..., AbstractContextManager[Place]]


@contextmanager
def running(app: App, **options: Any) -> Iterator[Place]:
    listener = listen("127.0.0.1", 0)
    place = listener.getsockname()
    with serve(app, listener, **options):
        yield place


def status_of(answer: bytes) -> int:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b""
    assert b"server:" not in head.lower()
    assert b"waitress" not in head.lower()
    return int(head.split()[1])
