"""What a command imports, which decides how long it takes to start. Names are compared here; `bench start` measures."""

import sys
from pathlib import Path

import pytest

from devkit.fixture.format import Fixture
from devkit.fixture.store import Store
from devkit.webhook.callback import compose
from devkit.webhook.new_webhook import make_receipt_fields
from tests.support.dev_process import running
from tests.support.fixture_example import MOMENT
from tests.support.imported_modules import imported
from tests.support.raw_socket import OK, raw_server

# Each of these takes a fifth of the time in which a bare Python starts, or many times as long.
SLOW = {
    "asyncio",
    "click.shell_completion",
    "cryptography",
    "devkit.events.session",  # many dataclasses
    "email",
    "flask",
    "hashlib",  # loads OpenSSL
    "http.client",
    "logging",
    "pydantic",
    "pyngrok",
    "random",
    "redis",
    "requests",
    "rich",
    "secrets",  # imports random
    "ssl",
    "subprocess",
    "vonage",
    "vonage_http_client",
    "waitress",
    "werkzeug",
}


def packages(modules: set[str]) -> set[str]:
    """The packages of devkit among the modules, without `devkit` itself."""
    return {name.split(".")[1] for name in modules if name.startswith("devkit.")}


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    fields = make_receipt_fields("delivered", "0", message_id="0A0000001234567B", pushed_at=MOMENT)
    fixture = Fixture(MOMENT, compose(fields, "get"))
    store = Store(tmp_path / "fixtures")
    store.prepare()
    return store.record(fixture, fixture.read())


def test_help_imports_no_command_and_nothing_that_prints(tmp_path: Path) -> None:
    modules = imported(tmp_path, "--help")

    assert {name for name in modules if name.startswith("devkit")} == {
        "devkit",
        "devkit.cli",
        "devkit.errors",
    }
    assert modules & SLOW == set()


def test_list_imports_what_reads_names_of_files(tmp_path: Path, recording: Path) -> None:
    modules = imported(tmp_path, "list")

    assert packages(modules) == {"cli", "durable", "errors", "events", "fixture", "session", "webhook"}
    assert {name for name in modules if name.startswith("devkit.cli.")} == {
        "devkit.cli.line_stream",
        "devkit.cli.list",
        "devkit.cli.output",
        "devkit.cli.receipt_line",
    }
    assert modules & SLOW == set()


def test_show_imports_no_more_packages_than_list(tmp_path: Path, recording: Path) -> None:
    modules = imported(tmp_path, "show", "latest")

    assert packages(modules) == {"cli", "durable", "errors", "events", "fixture", "session", "webhook"}
    assert modules & SLOW == set()


def test_replay_of_one_file_imports_what_sends_it(tmp_path: Path, recording: Path) -> None:
    with raw_server([OK]) as server:
        modules = imported(tmp_path, "replay", str(recording), "--to", server.url)

    assert len(server.requests) == 1
    assert packages(modules) == {
        "cli",
        "durable",
        "errors",
        "events",
        "fixture",
        "http",
        "replay",
        "session",
        "webhook",
    }
    assert {name for name in modules if name.startswith("devkit.cli.")} == {
        "devkit.cli.line_stream",
        "devkit.cli.output",
        "devkit.cli.params",
        "devkit.cli.receipt_line",
        "devkit.cli.replay",
        "devkit.cli.result_lines",
    }
    assert "devkit.webhook.raw_fields" not in modules  # it changes fields, and this replay changes none
    assert "devkit.fixture.response_log" not in modules  # for --missed
    assert "devkit.webhook.timeline" not in modules  # for lists
    assert modules & SLOW == set()


def test_trigger_reads_no_fixtures(tmp_path: Path) -> None:
    with raw_server([OK]) as server:
        modules = imported(tmp_path, "trigger", "delivered", "--to", server.url)

    assert modules & {"flask", "pydantic", "pyngrok", "requests", "rich", "vonage", "waitress"} == set()


def test_keep_imports_neither_servers_nor_the_sdk(tmp_path: Path, recording: Path) -> None:
    modules = imported(tmp_path, "keep", "latest")

    assert "devkit.fixture.redaction.plan" in modules
    assert modules & {"flask", "pydantic", "pyngrok", "requests", "rich", "vonage", "waitress"} == set()


def test_wait_imports_neither_servers_nor_the_sdk(tmp_path: Path, recording: Path) -> None:
    modules = imported(tmp_path, "wait", "--until", "any")

    assert "devkit.session.wait" in modules
    assert modules & (SLOW - {"devkit.events.session"}) == set()


def test_report_imports_no_server(tmp_path: Path, recording: Path) -> None:
    modules = imported(tmp_path, "report", "latest")

    assert "devkit.inspector.report" in modules
    assert modules & {"flask", "pydantic", "pyngrok", "requests", "rich", "vonage", "waitress"} == set()


def test_a_session_without_a_relay_imports_nothing_of_one(tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "devkit", "dev", "--json", "--offline", "--no-demo"]
    with running(command, tmp_path) as dev:
        dev.wait_for("ready")
        assert dev.stop() == 0

    modules = {line.rpartition("|")[2].strip() for line in dev.stderr.splitlines() if "|" in line}
    assert "devkit.session.run" in modules
    assert {name for name in modules if "relay" in name or name.partition(".")[0] == "redis"} == set()
