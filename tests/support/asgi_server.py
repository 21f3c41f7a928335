"""A FastAPI application under uvicorn, as its users run it, that counts what it answers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs

import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.background import BackgroundTask
from starlette.types import Message, Receive, Scope, Send

from devkit.http.server import listen
from tests.support.raw_socket import DEADLINE, wait_until


class Application:
    """answers: the status of each answer, in order, with the target and the body of the request.

    background: work for after each answer.
    """

    def __init__(self, background: BackgroundTask | None = None) -> None:
        self._background = background
        self.answers: list[tuple[str, bytes, int]] = []
        self._app = FastAPI()
        self._app.add_api_route("/{path:path}", self._handle, methods=["GET", "POST"])

    async def _handle(self, request: Request) -> Response:
        """Raises an exception for what it does not expect, as many handlers do."""
        if "json" in request.headers.get("content-type", ""):
            fields = await request.json()
        else:
            pairs = parse_qs(str(request.url.query) or (await request.body()).decode())
            fields = {name: values[0] for name, values in pairs.items()}
        statuses = {"accepted": 202, "buffered": 204, "rejected": 422}
        if fields["status"] in ("failed", "expired", "unknown"):
            raise LookupError(fields["messageId"])
        return Response(status_code=statuses.get(fields["status"], 200), background=self._background)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""

        async def read() -> Message:
            nonlocal body
            message = await receive()
            body += message.get("body", b"")
            return message

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                target = scope["raw_path"].decode("latin-1") + "?" + scope["query_string"].decode("latin-1")
                self.answers.append((target, body, message["status"]))
            await send(message)

        await self._app(scope, read, note)


@contextmanager
def asgi_server(application: Application) -> Iterator[str]:
    """Serve it with uvicorn's own settings while the block runs; its URL."""
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(application, lifespan="off", log_level="critical"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(DEADLINE)
        listener.close()
