"""docs/mcp.md is tested: its calls are made again, and it names every tool."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devkit.cli.mcp import tools
from devkit.fixture.format import Fixture
from devkit.fixture.store import Store
from devkit.webhook.callback import compose
from devkit.webhook.new_webhook import make_receipt_fields
from tests.support.agent import agent_in
from tests.support.recording_server import Response, recording_server

PAGE = (Path(__file__).parents[3] / "docs/mcp.md").read_text(encoding="utf-8")
CALL = re.compile(r"^`(\w+)` `(\{[^\n]*\})`\n\n```(?:json|text)\n(.*?)```$", re.MULTILINE | re.DOTALL)
MESSAGE = "e14152f9-689e-4f1c-b2d4-7a90c35e8f16"  # as in the README
CHANGING = {"message_id": "ID", "ms": 1.0, "file": "FILE", "recorded_at": "TIME"}


def record_demo(project: Path) -> None:
    """The three receipts of the first session's message."""
    at = datetime(2026, 11, 23, 17, 45, 8, 403584, UTC)
    for number, status in enumerate(["accepted", "buffered", "delivered"]):
        moment = at + timedelta(seconds=number)
        fields = make_receipt_fields(status, "0", message_id=MESSAGE, pushed_at=moment, sender="devkit")
        fixture = Fixture(moment, compose(fields, "get"), signature="absent")
        Store(project / "fixtures").record(fixture, fixture.read())


def settled(value: Any) -> Any:
    """A result without what differs from run to run."""
    if isinstance(value, dict):
        return {name: CHANGING.get(name, settled(each)) for name, each in value.items()}
    return [settled(each) for each in value] if isinstance(value, list) else value


def test_the_calls_give_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    record_demo(tmp_path)
    calls = CALL.findall(PAGE)

    assert len(calls) == 3
    with recording_server(lambda request: Response(204)) as server, agent_in(tmp_path) as agent:
        for tool, arguments, shown in calls:
            given = json.loads(arguments.replace("127.0.0.1:5000", server.host))
            if shown.startswith("Error: "):
                assert agent.fail(tool, **given) == shown.splitlines()
            else:
                assert settled(agent.call(tool, **given)) == settled(json.loads(shown))
    assert [request.path for request in server.arrived] == ["/webhooks/dlr"]


def test_the_page_names_every_tool() -> None:
    from devkit.cli.mcp.server import TOOLS  # here: imports the SDK, which takes a second

    named = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)

    assert sorted(named) == sorted(tool.__name__ for tool in TOOLS)


def test_the_page_names_the_limits() -> None:
    assert f"at most {tools.MAX_LISTED} " in PAGE
    assert f"at most {tools.MAX_SHOWN} " in PAGE
    assert f"at most {tools.MAX_SENT} " in PAGE
    assert f"at most {tools.MAX_WAIT // 60} minutes" in PAGE
