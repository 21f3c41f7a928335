"""What the tests of the inspector share: recordings to show, and a server that takes replays."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.fixture.store import Store
from devkit.http.address import parse_address
from devkit.http.server import listen
from devkit.receiver.app import TokenAccess, serve_receiver
from devkit.receiver.recorder import Recorder
from tests.support.browser import Browser, chromium, require_browser
from tests.support.inspector_server import Recordings, running_inspector
from tests.support.recording_server import RecordingServer, recording_server


@pytest.fixture
def recordings(tmp_path: Path) -> Recordings:
    return Recordings(Store(tmp_path / "fixtures"))


@pytest.fixture
def upstream() -> Iterator[RecordingServer]:
    with recording_server() as server:
        yield server


@pytest.fixture(scope="package")
def opened() -> Iterator[Browser]:
    require_browser()
    with chromium() as browser:
        yield browser


@pytest.fixture
def browser(opened: Browser, url: str) -> Iterator[Browser]:
    opened.resize(1200, 800)
    opened.scheme("light")
    opened.command("Emulation.setScriptExecutionDisabled", value=False)
    opened.complaints()
    yield opened
    opened.get("about:blank")  # while the server is still there: the page would tell that it is gone
    assert opened.complaints() == []


@pytest.fixture
def url(recordings: Recordings, upstream: RecordingServer) -> Iterator[str]:
    with running_inspector(recordings, forward_to=parse_address(f"{upstream.url}/dlr")) as address:
        yield address


@pytest.fixture
def receiver(recordings: Recordings) -> Iterator[str]:
    """The session's receiver, which records to the same store."""
    recorder = Recorder(recordings.store, recordings.event_log.publish, recordings.clock, "n0nce")
    listener = listen("127.0.0.1", 0)
    with serve_receiver(recorder.handle_batch, listener, TokenAccess("t0ken-t0ken-t0ken")):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
