import io
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import pytest

from devkit.errors import TunnelError
from devkit.tunnel.ngrok import find_agent
from devkit.tunnel.pyngrok_driver import download
from tests.support.event_recorder import EventRecorder
from tests.support.recording_server import Response, recording_server


def test_a_missing_agent_is_downloaded_quietly_and_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    recorder = EventRecorder()
    wanted = tmp_path / "new" / "my-ngrok"

    with archive_server(b"#!/bin/sh\n", monkeypatch):
        path = find_agent(wanted, notify=recorder, stopping=lambda: False, download=download)

    assert path == wanted
    assert wanted.read_bytes() == b"#!/bin/sh\n"
    assert [child.name for child in wanted.parent.iterdir()] == ["my-ngrok"]
    assert recorder.states == ["installing"]
    assert capfd.readouterr() == ("", "")


def test_a_download_that_fails_says_what_to_do(tmp_path: Path) -> None:
    def offline(path: Path) -> None:
        raise URLError("Name or service not known")

    with pytest.raises(TunnelError, match="Name or service not known") as caught:
        find_agent(tmp_path / "ngrok", notify=EventRecorder(), stopping=lambda: False, download=offline)

    assert "PYNGROK_NGROK_PATH=" in caught.value.hint


def test_an_agent_that_vanishes_after_the_download_points_to_the_virus_scanner(tmp_path: Path) -> None:
    with pytest.raises(TunnelError, match="is not there") as caught:
        find_agent(
            tmp_path / "ngrok", notify=EventRecorder(), stopping=lambda: False, download=lambda path: None
        )

    assert "virus" in caught.value.hint


def test_a_stop_ends_a_download(tmp_path: Path) -> None:
    stuck = threading.Event()

    def download(path: Path) -> None:
        stuck.wait(20)

    with pytest.raises(TunnelError, match="stopped"):
        find_agent(
            tmp_path / "ngrok",
            notify=EventRecorder(),
            stopping=lambda: True,
            download=download,
        )

    stuck.set()


@contextmanager
def archive_server(program: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Serves an archive with one file, `ngrok`, where pyngrok looks for the download."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("ngrok")
        entry.size = len(program)
        archive.addfile(entry, io.BytesIO(program))

    with recording_server(lambda request: Response(body=packed.getvalue())) as server:
        from pyngrok import installer

        url = f"{server.url}/devkit-test-{server.place[1]}.tgz"
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        for platform in installer.PLATFORMS:
            monkeypatch.setitem(installer.PLATFORMS, platform, url)
        yield
