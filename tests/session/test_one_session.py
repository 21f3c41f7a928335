"""Commands that find the session of the project they are typed in."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devkit.fixture.format import load
from devkit.session.project import project_in
from tests.support.command import Run, call, run
from tests.support.dev_process import DevProcess, running_dev
from tests.support.recording_server import RecordingServer, recording_server


@pytest.fixture
def application() -> Iterator[RecordingServer]:
    with recording_server() as server:
        yield server


@pytest.fixture
def dev(tmp_path: Path, application: RecordingServer) -> Iterator[DevProcess]:
    with running_dev(tmp_path, "--no-demo", "--forward-to", f"{application.url}/dlr") as process:
        process.wait_for("ready")
        yield process
        assert process.stop() == 0


def done(result: Run) -> Run:
    assert result.code == 0, result
    return result


@pytest.fixture
def below(tmp_path: Path) -> Path:
    """A directory inside the project."""
    below = tmp_path / "src" / "handlers"
    below.mkdir(parents=True)
    return below


def test_a_triggered_receipt_is_recorded_forwarded_and_replayed_to_the_application(
    below: Path, dev: DevProcess, application: RecordingServer
) -> None:
    done(run(below, "trigger", "failed", "--err-code", "2"))
    receipt = dev.wait_for("receipt")
    forwarded = dev.wait_for("forwarded")
    [row] = map(json.loads, done(call(below, "list", "--json")).out)
    shown = done(call(below, "show", "latest"))
    done(run(below, "replay", "latest"))
    curl = done(call(below, "show", "latest", "--as", "curl"))

    assert (receipt["triggered"], receipt["replay"], receipt["status"]) == (True, False, "failed")
    assert load(Path(receipt["file"])).tags == ("triggered",)
    assert (forwarded["answer"], forwarded["file"]) == (200, receipt["file"])
    assert (row["file"], row["tags"]) == (receipt["file"], ["triggered"])
    assert "tags       triggered" in shown.out
    requests = [each for each in application.arrived if each.query]
    assert [each.path for each in requests] == ["/dlr", "/dlr"]
    assert requests[1].header("X-Devkit-Replay") == "1"
    assert f"{application.url}/dlr" in "\n".join(curl.out)


def test_the_session_file_names_the_application_and_the_inspector(
    tmp_path: Path, dev: DevProcess, application: RecordingServer
) -> None:
    session = project_in(tmp_path).session()

    ready: dict[str, Any] = dev.events[-1]
    assert session
    assert session.forward_url == f"{application.url}/dlr"
    assert session.inspector_url == ready["inspector_url"]
    assert application.url not in repr(session)


def test_without_an_application_a_replay_goes_to_the_receiver_and_is_not_recorded(tmp_path: Path) -> None:
    with running_dev(tmp_path, "--no-demo") as dev:
        local_url = dev.wait_for("ready")["local_url"]
        done(call(tmp_path, "trigger", "delivered"))
        dev.wait_for("receipt", triggered=True)
        done(call(tmp_path, "replay", "latest"))
        replayed = dev.wait_for("receipt", replay=True)
        curl = done(call(tmp_path, "show", "latest", "--as", "curl"))
        dev.stop()

    assert (replayed["file"], replayed["triggered"]) == ("", False)
    assert f"{local_url}/webhooks/delivery-receipt" in "\n".join(curl.out)


def test_from_below_a_message_is_sent_to_the_session_and_checks_are_about_the_project(
    tmp_path: Path, below: Path, dev: DevProcess
) -> None:
    sent = done(call(below, "send", "--json"))
    dev.wait_for("receipt", status="delivered")
    kept = done(call(below, "keep", "latest", "--name", "from-below"))
    diagnosis = call(below, "doctor", "--json")

    [message_id] = json.loads(sent.out[0])["message_ids"]
    assert dev.events[-1]["message_id"] == message_id
    assert (tmp_path / "fixtures" / "samples" / "from-below.json").is_file(), kept
    steps = {check["step"]: check for check in map(json.loads, diagnosis.out) if check["event"] == "check"}
    assert steps["session"]["outcome"] == "ok"
    assert str(tmp_path) in steps["fixtures"]["what"]
    assert list(below.iterdir()) == []


def test_a_session_that_is_started_below_is_that_of_the_project(tmp_path: Path, below: Path) -> None:
    (tmp_path / ".devkit").mkdir()
    with running_dev(below, "--no-demo", "--offline", HOME=str(tmp_path.parent)) as dev:
        ready = dev.wait_for("ready")
        session = project_in(tmp_path).session()
        assert dev.stop() == 0

    assert session
    assert session.pid == ready["pid"]
    assert ready["recorded"] == str(tmp_path / "fixtures" / "recorded")
    assert dev.stderr == (
        f"This is the project of {tmp_path}. For one of its own in {below}: mkdir .devkit\n"
    )
    assert list(below.iterdir()) == []


def test_a_directory_with_private_files_of_its_own_has_a_session_of_its_own(
    tmp_path: Path, below: Path
) -> None:
    (tmp_path / ".devkit").mkdir()
    (below / ".devkit").mkdir()
    with running_dev(below, "--no-demo", "--offline", HOME=str(tmp_path.parent)) as dev:
        ready = dev.wait_for("ready")
        assert dev.stop() == 0

    assert (ready["recorded"], dev.stderr) == (str(below / "fixtures" / "recorded"), "")


def test_restore_from_below_finds_the_session_that_runs(below: Path, dev: DevProcess) -> None:
    refused = call(below, "restore")

    assert refused.code == 6
    assert "Another devkit" in refused.err
