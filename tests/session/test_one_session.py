"""Commands that find the session of the project they are typed in."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devkit.fixture.format import load
from devkit.session.project import project_in
from tests.support.command import Run, run
from tests.support.dev_process import DevProcess, running_dev
from tests.support.parsed_request import received
from tests.support.raw_socket import OK, RawServer, raw_server


@pytest.fixture
def application() -> Iterator[RawServer]:
    with raw_server([OK], [OK]) as server:
        yield server


@pytest.fixture
def dev(tmp_path: Path, application: RawServer) -> Iterator[DevProcess]:
    with running_dev(tmp_path, "--no-demo", "--forward-to", f"{application.url}/dlr") as process:
        process.wait_for("ready")
        yield process
        assert process.stop() == 0


def done(result: Run) -> Run:
    assert result.code == 0, result
    return result


def test_a_triggered_receipt_is_recorded_forwarded_and_replayed_to_the_application(
    tmp_path: Path, dev: DevProcess, application: RawServer
) -> None:
    done(run(tmp_path, "trigger", "failed", "--err-code", "2"))
    receipt = dev.wait_for("receipt")
    forwarded = dev.wait_for("forwarded")
    [row] = map(json.loads, done(run(tmp_path, "list", "--json")).out)
    shown = done(run(tmp_path, "show", "latest"))
    done(run(tmp_path, "replay", "latest"))
    curl = done(run(tmp_path, "show", "latest", "--as", "curl"))

    assert (receipt["triggered"], receipt["replay"], receipt["status"]) == (True, False, "failed")
    assert load(Path(receipt["file"])).tags == ("triggered",)
    assert (forwarded["answer"], forwarded["file"]) == (200, receipt["file"])
    assert (row["file"], row["tags"]) == (receipt["file"], ["triggered"])
    assert "tags       triggered" in shown.out
    requests = [received(request) for request in application.requests]
    assert [each.path for each in requests] == ["/dlr", "/dlr"]
    assert requests[1].header("X-Devkit-Replay") == "1"
    assert f"{application.url}/dlr" in "\n".join(curl.out)


def test_the_session_file_names_the_application_and_the_inspector(
    tmp_path: Path, dev: DevProcess, application: RawServer
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
        done(run(tmp_path, "trigger", "delivered"))
        dev.wait_for("receipt", triggered=True)
        done(run(tmp_path, "replay", "latest"))
        replayed = dev.wait_for("receipt", replay=True)
        curl = done(run(tmp_path, "show", "latest", "--as", "curl"))
        dev.stop()

    assert (replayed["file"], replayed["triggered"]) == ("", False)
    assert f"{local_url}/webhooks/delivery-receipt" in "\n".join(curl.out)
