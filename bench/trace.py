"""Counts the files of devkit that a flow runs through: `python -m bench.trace`.

A reader who follows a flow opens these files, so the counts show how far the code is scattered.
The flows really run, in this process. Calls of functions are counted, imports are not.
"""

import contextlib
import http.client
import http.server
import io
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import devkit
from devkit.cli import cli
from devkit.cli.event_printer import reporting
from devkit.events.session import Ready
from devkit.session.run import SessionOptions, run
from devkit.session.settings import read_settings
from devkit.session.signals import Shutdown

_PACKAGE = f"{Path(devkit.__file__).parent}{os.sep}"
_RECEIPT = (
    "msisdn=447700900001&to=AcmeInc&network-code=23410&messageId=aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"
    "&price=0.03330000&status=failed&scts=2611241200&err-code=2&message-timestamp=2026-11-24+12%3A00%3A00"
)
_SECONDS = 20  # until a flow is considered stuck
# The most files that each flow should run through. tests/project/test_bench.py has the counts of today.
AIMS = {"receipt": 13, "keep": 18, "replay": 18, "page": 17}


class Tracer:
    """Collects the files whose functions are called while it is active, in all threads that start after it.

    ignored: the thread that monitors the session, which has work of its own every second; None before there is one.
    """

    def __init__(self) -> None:
        self.active = False
        self.ignored: int | None = None
        self.files: list[str] = []
        threading.setprofile(self)
        sys.setprofile(self)

    def __call__(self, frame: FrameType, event: str, arg: object) -> None:
        if (
            self.active
            and event == "call"
            and threading.get_ident() != self.ignored
            and frame.f_code.co_filename.startswith(_PACKAGE)
            and frame.f_code.co_filename.endswith(".py")
        ):
            file = frame.f_code.co_filename.removeprefix(_PACKAGE)
            if file not in self.files:
                self.files.append(file)

    @contextlib.contextmanager
    def collecting(self) -> Iterator[list[str]]:
        self.files = []
        self.active = True
        try:
            yield self.files
        finally:
            self.active = False


def trace_flows(directory: Path) -> dict[str, list[str]]:
    """The files of each flow, in the order of their first call. directory: an empty one."""
    tracer = Tracer()
    try:
        return dict(_flows(tracer, directory))
    finally:
        threading.setprofile(None)
        sys.setprofile(None)


def _flows(tracer: Tracer, directory: Path) -> Iterator[tuple[str, list[str]]]:
    with _session(tracer, directory) as (ready, output):
        callback_url = _local_callback_url(ready)
        _fetch(f"{callback_url}?{_RECEIPT}")  # the first one triggers late imports
        _wait(lambda: output.getvalue().count("failed") >= 1)
        with tracer.collecting() as files:
            _fetch(f"{callback_url}?{_RECEIPT}")
            _wait(lambda: output.getvalue().count("failed") >= 2)
        yield "receipt", list(files)
        _fetch(f"{callback_url}?{_RECEIPT}")
        _wait(lambda: output.getvalue().count("failed") >= 3)  # the next flow has no part of this one
        with _sink() as url:
            replay = ("replay", "latest:3", "--now", "--resign", "--to", url)
            _command(tracer, *replay)
            yield "replay", _command(tracer, *replay)
        page = f"{ready.inspector_url}/?status=failed"
        _fetch(page)
        with tracer.collecting() as files:
            _fetch(page)
        yield "page", list(files)
    _command(tracer, "keep", "latest", "--name", "first")
    yield "keep", _command(tracer, "keep", "latest", "--name", "second")


@contextlib.contextmanager
def _session(tracer: Tracer, directory: Path) -> Iterator[tuple[Ready, io.StringIO]]:
    """An offline session in a thread, and its output."""
    os.chdir(directory)
    environ = {"DEVKIT_OFFLINE": "1", "DEVKIT_PORT": "0", "DEVKIT_INSPECTOR_PORT": "0"}
    os.environ.update(environ, VONAGE_SIGNATURE_SECRET="trace-signature-secret")
    shutdown, ready = Shutdown(), []
    output, real = io.StringIO(), sys.stdout
    sys.stdout = output

    def session() -> None:
        with reporting(as_json=False, stop=shutdown) as publish:

            def notice(event: object) -> None:
                if isinstance(event, Ready):
                    ready.append(event)
                publish(event)  # type: ignore[arg-type]

            options = SessionOptions(register=False, demo=None)
            run(read_settings(os.environ, directory), options, directory, notice, shutdown, lambda _: False)

    thread = threading.Thread(target=session)
    thread.start()
    tracer.ignored = thread.ident
    try:
        _wait(lambda: bool(ready))
        yield ready[0], output
    finally:
        shutdown.request()
        thread.join()
        sys.stdout = real


class _Sink(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def _sink() -> Iterator[str]:
    """The URL of a server that is not part of devkit and answers 200."""
    server = http.server.HTTPServer(("127.0.0.1", 0), _Sink)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _command(tracer: Tracer, *args: str) -> list[str]:
    with (
        contextlib.redirect_stdout(io.StringIO()),
        tracer.collecting() as files,
        contextlib.suppress(SystemExit),
    ):
        cli(args, prog_name="devkit", standalone_mode=False)
    return list(files)


def _local_callback_url(ready: Ready) -> str:
    """The callback URL on the local port: with the token, as a receipt of Vonage comes out of the tunnel."""
    return f"{ready.local_url}{urlsplit(ready.callback_url).path}"


def _fetch(url: str) -> None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_SECONDS)
    with contextlib.closing(connection):
        connection.request("GET", f"{parts.path}?{parts.query}")
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise RuntimeError(f"{parts.path} answered {response.status}")


def _wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _SECONDS
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("The flow did not end.")
        time.sleep(0.01)


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        flows = trace_flows(Path(directory).resolve())
        os.chdir("/")
    for name, aim in AIMS.items():
        print(f"{name:8} {len(flows[name]):3} files (aim: {aim}): {', '.join(flows[name])}")


if __name__ == "__main__":
    main()
