"""What the tests of the inspector share: recordings to show, and a server that takes replays."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.fixture.store import Store
from tests.support.inspector_server import Recordings
from tests.support.recording_server import RecordingServer, recording_server


@pytest.fixture
def recordings(tmp_path: Path) -> Recordings:
    return Recordings(Store(tmp_path / "fixtures"))


@pytest.fixture
def upstream() -> Iterator[RecordingServer]:
    with recording_server() as server:
        yield server
