"""A relay's receipt has the time of its receiver's clock, and may be a week old when it comes."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import devkit.cli.wait
from devkit.cli import cli
from devkit.cli.mcp import tools
from devkit.fixture.store import Store
from devkit.session.project import is_followed, project_in
from devkit.session.signals import Shutdown
from devkit.session.wait import PendingMessage, find_message
from tests.support.memory_engine import relayed_receipt


def find_before_it_comes(store: Store, *args: Any, **options: Any) -> PendingMessage:
    """As `find_message`; a receipt of eight days ago is recorded right afterwards."""
    message = find_message(*args, **options)
    late = replace(relayed_receipt(7), recorded_at=datetime.now(UTC) - timedelta(days=8))
    store.record(late, late.read())
    return message


@pytest.mark.parametrize(("followed", "code"), [(True, 0), (False, 3)])
def test_wait_finds_it_where_a_relay_is_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, followed: bool, code: int
) -> None:
    store = Store(tmp_path / "fixtures")
    store.prepare()
    project = project_in(tmp_path)
    project.prepare()
    if followed:
        project.relay_lock.write_text(f"process {os.getpid()}, since today")

    monkeypatch.setattr(devkit.cli.wait, "find_message", partial(find_before_it_comes, store))
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["wait", "0A00000000000007", "--timeout", "0"], prog_name="devkit")

    assert result.exit_code == code, result.output


def test_an_agent_finds_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "fixtures")
    store.prepare()
    project = project_in(tmp_path)
    project.prepare()
    project.relay_lock.write_text(f"process {os.getpid()}, since today")
    monkeypatch.setattr(tools, "find_message", partial(find_before_it_comes, store))

    found = tools.wait_for_message(
        tools.ToolContext({}, tmp_path, Shutdown()), ("0A00000000000007",), timeout=0
    )

    assert found.reason == "final"


@pytest.mark.parametrize("owner", ["", "process 0x1, since", "process 99999999, since today", "\xff"])
def test_a_lock_that_a_killed_follower_left_says_nothing(tmp_path: Path, owner: str) -> None:
    project = project_in(tmp_path)
    project.prepare()
    assert not is_followed(project)
    project.relay_lock.write_text(owner, encoding="latin-1")

    assert not is_followed(project)
