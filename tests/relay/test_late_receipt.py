"""A relay's receipt has the time of its receiver's clock, and may be a week old when it comes."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

import devkit.cli.wait
from devkit.cli import cli
from devkit.fixture.store import Store
from devkit.session.project import is_followed, project_in
from devkit.session.wait import PendingMessage, find_message
from tests.support.memory_engine import relayed_receipt


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

    def find_before_it_comes(*args: object, **options: object) -> PendingMessage:
        message = find_message(*args, **options)  # type: ignore[arg-type]
        late = replace(relayed_receipt(7), recorded_at=datetime.now(UTC) - timedelta(days=8))
        store.record(late, late.read())
        return message

    monkeypatch.setattr(devkit.cli.wait, "find_message", find_before_it_comes)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["wait", "0A00000000000007", "--timeout", "0"], prog_name="devkit")

    assert result.exit_code == code, result.output


@pytest.mark.parametrize("owner", ["", "process 0x1, since", "process 99999999, since today", "\xff"])
def test_a_lock_that_a_killed_follower_left_says_nothing(tmp_path: Path, owner: str) -> None:
    project = project_in(tmp_path)
    project.prepare()
    assert not is_followed(project)
    project.relay_lock.write_text(owner, encoding="latin-1")

    assert not is_followed(project)
