"""All samples, replayed at a FastAPI application: its server hangs up after an exception, unannounced."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.background import BackgroundTask
from starlette.types import Message, Receive, Scope, Send

from devkit.http.server import listen
from tests.support.command import ROOT, run
from tests.support.raw_socket import DEADLINE, wait_until

FILES = sorted((ROOT / "fixtures" / "samples").rglob("*.json"))


class Application:
    """Counts what it answers.

    answers: the status of each answer, in order, with the target and the body of the request.
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
    """Serve it with uvicorn's own settings, as its users do, while the block runs; its URL."""
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


def replay(directory: Path, application: Application, *options: str) -> list[dict[str, object]]:
    with asgi_server(application) as url:
        result = run(directory, "replay", *map(str, FILES), "--to", url, "--json", *options)
    assert result.code == 1, result.err  # some were answered with 500
    *outcomes, summary = map(json.loads, result.out)
    assert summary["event"] == "summary"
    return outcomes


def test_every_receipt_arrives_once_and_its_status_is_reported(tmp_path: Path) -> None:
    application = Application()

    outcomes = replay(tmp_path, application)

    statuses = [status for _, _, status in application.answers]
    assert len(outcomes) == len(FILES)
    assert [each["answer"] for each in outcomes] == statuses
    assert {200, 202, 204, 422, 500} <= set(statuses)
    assert not any(each["sent_again"] for each in outcomes)


@pytest.mark.parametrize("jobs", ["4", "16"])
def test_over_several_connections_too(tmp_path: Path, jobs: str) -> None:
    one_by_one, at_once = Application(), Application()

    expected = replay(tmp_path, one_by_one)
    outcomes = replay(tmp_path, at_once, "--jobs", jobs)

    assert Counter(at_once.answers) == Counter(one_by_one.answers)
    assert {each["file"]: each["answer"] for each in outcomes} == {
        each["file"]: each["answer"] for each in expected
    }


def test_a_background_task_that_raises_after_the_response_loses_no_receipt(tmp_path: Path) -> None:
    """uvicorn closes the connection then too, after a 200, and perhaps while it handles the next request."""

    def raises() -> None:
        raise LookupError

    application = Application(BackgroundTask(raises))

    outcomes = replay(tmp_path, application)

    expected = Application()
    assert [each["answer"] for each in outcomes] == [each["answer"] for each in replay(tmp_path, expected)]
    arrived, once = Counter(application.answers), Counter(expected.answers)
    assert set(arrived) == set(once)
    assert (arrived - once).total() <= sum(map(bool, (each["sent_again"] for each in outcomes)))
