"""Differences between operating systems, as far as one system can show them."""

import ctypes
import ntpath
import re
import signal
import sys
from pathlib import Path, PureWindowsPath

import pytest

from devkit.durable.lock import is_alive_on_windows
from devkit.fixture import response_log, select
from devkit.fixture.format import Fixture
from devkit.fixture.store import Store
from devkit.http.server import _most_connections
from devkit.session import signals
from devkit.session.status_commands import split_words
from devkit.webhook.callback import compose
from tests.support.command import run
from tests.support.fixture_example import MOMENT


def test_windows_keeps_below_what_select_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)  # as there

    assert _most_connections() < 512 - 100


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@pytest.mark.parametrize("word", ["\u65e5\u672c", "\U0001f4f1"])
def test_foreign_words_can_be_printed_in_any_encoding(tmp_path: Path, encoding: str, word: str) -> None:
    done = run(tmp_path, "trigger", word, "--to", "127.0.0.1:1", PYTHONIOENCODING=encoding)

    assert done.code == 4
    assert done.out[0].startswith("unreachable")
    assert "Traceback" not in done.err


class Kernel32:
    """The part of the Windows API that tells which processes run. ended: there is a handle to them still."""

    def __init__(self, running: set[int], ended: set[int], foreign: set[int]) -> None:
        self.running, self.ended, self.foreign = running, ended, foreign
        self.error = 0
        self.opened: list[int] = []

    def OpenProcess(self, access: int, inherits: bool, pid: int) -> int | None:  # noqa: N802
        assert (access, inherits, ctypes.c_uint32(pid).value) == (0x00100000, False, pid)
        if pid in self.running | self.ended:
            self.opened.append(pid)
            return pid + 1000
        self.error = 5 if pid in self.foreign else 87  # access denied, invalid parameter
        return None

    def WaitForSingleObject(self, handle: int, milliseconds: int) -> int:  # noqa: N802
        assert milliseconds == 0
        return 0x102 if handle - 1000 in self.running else 0

    def CloseHandle(self, handle: int) -> None:  # noqa: N802
        self.opened.remove(handle - 1000)


@pytest.mark.parametrize(
    ("pid", "alive"),
    [(4, True), (8, False), (12, True), (16, False), (0, False), (-1, False), (2**32 + 4, False)],
)
def test_windows_tells_whether_a_process_runs(pid: int, alive: bool) -> None:
    api = Kernel32(running={4}, ended={8}, foreign={12})

    assert is_alive_on_windows(pid, api, lambda: api.error) is alive
    assert api.opened == []


def test_backslashes_of_a_command_stay_on_windows() -> None:
    text = r'C:\tools\notify.exe "C:\my files\a b.txt" --all #1'

    assert split_words(text, escape="") == [r"C:\tools\notify.exe", r"C:\my files\a b.txt", "--all", "#1"]
    assert split_words(r"notify a\ b", escape="\\") == ["notify", "a b"]
    with pytest.raises(ValueError, match="No closing quotation"):
        split_words('notify "a', escape="")


@pytest.mark.parametrize("status", ["delivered", "CON", "a:b", "a/b\\c", "x.", "x ", "<>|?*", "\x00\x1f", ""])
def test_names_of_recordings_are_names_on_windows(tmp_path: Path, status: str) -> None:
    fixture = Fixture(MOMENT, compose({"messageId": "NUL", "status": status}, "form"))
    store = Store(tmp_path)
    store.prepare()
    path = store.record(fixture, fixture.read())

    for name in path.relative_to(tmp_path).parts:
        assert not set(name) & set('<>:"/\\|?*')
        assert name.isprintable()
        assert not name.endswith((".", " "))
        assert name.partition(".")[0].upper() not in ("CON", "NUL", "PRN", "AUX")
        assert ntpath.splitdrive(name) == ("", name)


def test_a_recording_has_one_key_on_all_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_log, "Path", PureWindowsPath)

    assert response_log.recording_key("C:\\me\\fixtures\\recorded\\2026-11-23\\a.json") == "2026-11-23/a.json"


def test_a_path_that_was_printed_on_windows_finds_its_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "fixtures")
    fixture = Fixture(MOMENT, compose({"messageId": "0A01", "status": "delivered"}, "form"))
    store.prepare()
    path = store.record(fixture, fixture.read())
    monkeypatch.setattr("devkit.fixture.select.os.sep", "\\")
    printed = ntpath.join("fixtures", "recorded", *path.parts[-2:])

    assert select.select(store, [printed], here=tmp_path / "elsewhere") == [path]


def test_each_signal_that_ends_a_program_ends_a_session_cleanly() -> None:
    ending = {
        "SIGINT",
        "SIGTERM",
        "SIGHUP",
        "SIGBREAK",
    }  # SIGBREAK: Ctrl-Break and a closed console, on Windows

    assert {number.name for number in signals.SIGNALS} == ending & set(dir(signal))


def test_the_workflow_runs_where_the_page_says() -> None:
    root = Path(__file__).parents[2]
    page = (root / "docs" / "platforms.md").read_text(encoding="utf-8")
    workflow = (root / ".github" / "workflows" / "check.yml").read_text(encoding="utf-8")

    assert set(re.findall(r"(ubuntu|macos|windows)-latest", workflow)) == {"ubuntu", "macos", "windows"}
    assert "never ran on macOS or Windows" in page
    tests = re.findall(r"`(tests/[\w/]+\.py)`", page)
    assert len(tests) > 4
    assert [name for name in tests if not (root / name).exists()] == []
