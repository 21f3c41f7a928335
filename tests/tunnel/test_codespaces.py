"""The port of a codespace is public while the tunnel is open, and what is not known about it is said."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from devkit.errors import TunnelError
from devkit.session.settings import Settings
from devkit.session.tunnel_choice import choose_tunnel
from devkit.tunnel.codespaces import PORT_RECORD, CodespacePort, codespaces_tunnel
from devkit.tunnel.orphans import end_orphans
from devkit.tunnel.tool import ToolResult
from devkit.tunnel.types import Stopping, Tunnel, check_stopping
from tests.support.codespace import NAME, Gh
from tests.support.event_recorder import EventRecorder

LOCAL = "http://127.0.0.1:3000"
DONE = ToolResult(0, "", "")
TOO_LATE = ToolResult(None, "", "")


def open_codespace(directory: Path, recorder: EventRecorder, domain: str = "") -> str:
    environ = {"PATH": str(directory), "CODESPACE_NAME": NAME}
    if domain:
        environ["GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN"] = domain
    choice = choose_tunnel(Settings(), directory, environ)
    with choice.opener(recorder, lambda: False)(LOCAL) as tunnel:
        return tunnel.public_url


def details(recorder: EventRecorder) -> list[str]:
    return [event.detail for event in recorder.tunnel_events]


def test_the_port_of_a_codespace_is_public_while_the_tunnel_is_open(tmp_path: Path) -> None:
    gh, recorder = Gh(tmp_path), EventRecorder()
    gh.write({"3040": "private", "3000": "org"})

    url = open_codespace(tmp_path, recorder, "preview.example.test")

    name = ["-c", NAME]
    assert url == f"https://{NAME}-3000.preview.example.test"
    assert gh.changes == [
        ["codespace", "ports", "visibility", "3000:public", *name],
        ["codespace", "ports", "visibility", "3000:org", *name],
    ]
    assert recorder.events == []
    assert not (tmp_path / PORT_RECORD.name).exists()


def test_a_port_that_is_public_already_stays_so(tmp_path: Path) -> None:
    gh = Gh(tmp_path)
    gh.write({"3000": "public"})

    assert open_codespace(tmp_path, EventRecorder()) == f"https://{NAME}-3000.app.github.dev"

    assert gh.changes == []


def test_without_gh_one_line_says_what_to_click(tmp_path: Path) -> None:
    recorder = EventRecorder()

    open_codespace(tmp_path, recorder)

    assert details(recorder) == [
        "gh is not on the PATH: in the Ports tab, right-click port 3000 and choose Port Visibility, Public"
    ]


def test_outside_of_a_codespace_it_is_named(tmp_path: Path) -> None:
    choice = choose_tunnel(Settings(tunnel="codespaces"), tmp_path, {})

    with (
        pytest.raises(TunnelError, match="This machine is no codespace"),
        choice.opener(EventRecorder(), lambda: False)(LOCAL),
    ):
        pass


def test_when_github_refuses_one_line_says_what_to_click_and_nothing_is_left(tmp_path: Path) -> None:
    gh, recorder = Gh(tmp_path), EventRecorder()
    gh.write({"3000": "private"}, refuses=True)

    open_codespace(tmp_path, recorder)

    (detail,) = details(recorder)
    assert "gh refused: HTTP 403" in detail
    assert "right-click port 3000" in detail
    assert not (tmp_path / PORT_RECORD.name).exists()


def test_a_port_that_a_killed_session_left_public_gets_its_former_visibility(tmp_path: Path) -> None:
    gh = Gh(tmp_path)
    port = CodespacePort(str(tmp_path / "gh"), NAME, 3000, "org")
    PORT_RECORD.write(tmp_path, port)

    gh.write({"3000": "public"}, refuses=True)
    with pytest.raises(TunnelError, match="could not be made org again: gh refused: HTTP 403"):
        end_orphans(tmp_path)
    gh.write({"3000": "public"})

    assert end_orphans(tmp_path) == ["the public port 3000 of the codespace"]
    assert gh.changes == [["codespace", "ports", "visibility", "3000:org", "-c", NAME]]
    assert end_orphans(tmp_path) == []


def test_a_session_with_another_tunnel_hides_the_port_too(tmp_path: Path) -> None:
    gh, recorder = Gh(tmp_path), EventRecorder()
    gh.write({"3000": "public"})
    PORT_RECORD.write(tmp_path, CodespacePort(str(tmp_path / "gh"), NAME, 3000, "org"))

    choice = choose_tunnel(Settings(public_url="https://dlr.example.com"), tmp_path, {})
    with choice.opener(recorder, lambda: False)(LOCAL):
        assert gh.visibility(3000) == "org"

    assert details(recorder) == [
        "ended what a killed session had left: the public port 3000 of the codespace"
    ]


def test_a_port_that_cannot_be_hidden_stays_recorded_when_another_would_become_public(tmp_path: Path) -> None:
    gh, recorder = Gh(tmp_path), EventRecorder()
    gh.write({"3000": "private", "4000": "public"}, refuses=True)
    left = CodespacePort(str(tmp_path / "gh"), NAME, 4000, "org")
    PORT_RECORD.write(tmp_path, left)

    with pytest.raises(TunnelError, match="Port 4000 of the codespace could not be made org again"):
        open_codespace(tmp_path, recorder)

    assert PORT_RECORD.read(tmp_path) == left
    assert recorder.states == ["waiting"]


class GitHub:
    """GitHub within this process. hangs: the calls that get no answer. does: whether it acts all the same."""

    def __init__(self, *hangs: str, does: bool) -> None:
        self.visibility = "org"
        self.hangs, self.does = list(hangs), does

    def __call__(
        self, program: Path, *arguments: str, stopping: Stopping = lambda: False, **_: object
    ) -> ToolResult:
        check_stopping(stopping)
        change = arguments[arguments.index("visibility") + 1] if "visibility" in arguments else ""
        is_late = (change or "read") in self.hangs
        if change and (self.does or not is_late):
            self.visibility = change.partition(":")[2]
        if is_late:
            return TOO_LATE
        ports = f'[{{"sourcePort": 3000, "visibility": "{self.visibility}"}}]'
        return DONE if change else ToolResult(0, ports, "")

    def open(
        self, directory: Path, recorder: EventRecorder, stopping: Stopping = lambda: False
    ) -> AbstractContextManager[Tunnel]:
        environ = {"PATH": str(directory), "CODESPACE_NAME": NAME}
        return codespaces_tunnel(directory, environ, notify=recorder, stopping=stopping, run=self)(LOCAL)


def test_an_answer_that_is_too_late_is_no_failure_when_the_port_is_public(tmp_path: Path) -> None:
    Gh(tmp_path)
    github, recorder = GitHub("3000:public", "3000:org", does=True), EventRecorder()

    with github.open(tmp_path, recorder):
        assert github.visibility == "public"
        assert PORT_RECORD.read(tmp_path) is not None

    assert recorder.events == []
    assert github.visibility == "org"
    assert not (tmp_path / PORT_RECORD.name).exists()


def test_what_github_may_still_do_after_the_time_is_undone_at_the_end(tmp_path: Path) -> None:
    Gh(tmp_path)
    github, recorder = GitHub("3000:public", does=False), EventRecorder()

    with github.open(tmp_path, recorder):
        assert github.visibility == "org"
        github.visibility = "public"  # now GitHub does it, or a person who reads what to click

    click = "in the Ports tab, right-click port 3000 and choose Port Visibility, Public"
    assert details(recorder) == [f"gh did not answer in time: {click}"]
    assert github.visibility == "org"
    assert not (tmp_path / PORT_RECORD.name).exists()


def test_a_state_that_cannot_be_read_is_said_and_left_to_restore(tmp_path: Path) -> None:
    Gh(tmp_path)
    github, recorder = GitHub("3000:public", "3000:org", does=True), EventRecorder()
    not_known = "gh did not answer in time, and who may use port 3000 now is not known"

    def answers_once(program: Path, *arguments: str, **options: object) -> ToolResult:
        answer = github(program, *arguments, **options)  # type: ignore[arg-type]
        github.hangs.append("read")  # from now on
        return answer

    environ = {"PATH": str(tmp_path), "CODESPACE_NAME": NAME}
    with (
        pytest.raises(TunnelError) as caught,
        codespaces_tunnel(tmp_path, environ, notify=recorder, run=answers_once)(LOCAL),
    ):
        pass

    (detail,) = details(recorder)
    assert detail.startswith(f"{not_known}: in the Ports tab")
    assert caught.value.message == f"Port 3000 of the codespace could not be made org again: {not_known}."
    assert "devkit restore" in caught.value.hint
    record = PORT_RECORD.read(tmp_path)
    assert record is not None
    assert (record.port, record.visibility) == (3000, "org")
    assert end_orphans(tmp_path) == ["the public port 3000 of the codespace"]  # by the command, which answers


def test_a_signal_ends_the_wait_for_github_and_the_port_is_hidden(tmp_path: Path) -> None:
    Gh(tmp_path)
    github = GitHub("3000:public", does=True)

    with (
        pytest.raises(TunnelError, match="stopped before the tunnel was open"),
        github.open(tmp_path, EventRecorder(), stopping=lambda: PORT_RECORD.read(tmp_path) is not None),
    ):
        pass

    assert github.visibility == "org"
    assert not (tmp_path / PORT_RECORD.name).exists()
