"""Private files stay private: on a shared machine, with links in their place, and with existing files."""

import os
import stat
from pathlib import Path

import pytest

from devkit.errors import ConfigurationError
from devkit.fixture.format import load
from devkit.fixture.store import Store
from devkit.session.project import Project, project_in
from reliability.load import Senders, send_all
from reliability.running import receiver_in
from tests.support.dev_process import running_dev
from tests.support.disk import mode, umask

NOBODY = 65534

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows keeps no modes")

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")


@as_root
@pytest.mark.parametrize("kind", ["directory", "link"])
def test_the_private_directory_of_another_user_is_refused(tmp_path: Path, kind: str) -> None:
    """That user could replace the journal, and devkit would restore the URL in it."""
    private, elsewhere = tmp_path / ".devkit", tmp_path / "elsewhere"
    elsewhere.mkdir()
    if kind == "link":
        private.symlink_to(elsewhere)
    else:
        elsewhere.rename(private)
    os.lchown(private, NOBODY, NOBODY)

    with running_dev(tmp_path, "--offline") as dev:
        assert dev.finish() == 3

    assert "belongs to another user" in dev.stderr
    assert len(dev.stderr.splitlines()) == 2
    assert list((elsewhere if kind == "link" else private).iterdir()) == []


@as_root
def test_a_checkout_of_another_user_can_be_worked_in(tmp_path: Path) -> None:
    """As root in a container does, with a mounted checkout."""
    (tmp_path / ".devkit").mkdir()
    for path in (tmp_path, tmp_path / ".devkit"):
        os.chown(path, NOBODY, NOBODY)

    project_in(tmp_path).prepare()


@pytest.mark.parametrize("name", ["session.lock", "session.json", "callback-token"])
def test_a_link_in_the_place_of_a_private_file_harms_nothing(tmp_path: Path, name: str) -> None:
    precious = tmp_path / "precious"
    precious.write_text("do not lose me")
    project = project_in(tmp_path)
    project.prepare()
    (project.private / name).symlink_to(precious)

    with pytest.raises(ConfigurationError) if name != "session.json" else umask(0o077):
        open_everything(project)

    assert precious.read_text() == "do not lose me"
    assert mode(precious) & 0o600 == 0o600


def open_everything(project: Project) -> None:
    from devkit.session.project import Session

    with project.session_lock("2026-11-23T12:00:00+00:00"):
        token = project.callback_token()
        session = Session(os.getpid(), "", "offline", "", "", f"http://127.0.0.1/{token}")
        with project.session_file(session):
            assert not (project.private / "session.json").is_symlink()


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777])
def test_whatever_the_umask_all_that_a_session_leaves_is_its_owners_alone(tmp_path: Path, mask: int) -> None:
    with umask(mask), running_dev(tmp_path, "--offline") as dev:
        ready = dev.wait_for("ready")
        dev.wait_for("receipt")
        private = [path for top in (".devkit", "fixtures") for path in (tmp_path / top).rglob("*")]
        assert dev.stop() == 0

    assert [path.name for path in private if path.name == "session.json"]
    assert {mode(path) for path in private if path.is_file()} == {0o600}
    assert {mode(path) for path in (tmp_path / ".devkit", Path(ready["recorded"]))} == {0o700}


def test_a_link_in_the_place_of_the_recordings_is_followed_and_nothing_overwritten(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious.json").write_text("do not lose me")
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "fixtures" / "recorded").symlink_to(elsewhere)
    with receiver_in(tmp_path / "fixtures") as running:
        senders = send_all(Senders(running.url, "A", 2, 5))

    files = [entry.path for entry in Store(tmp_path / "fixtures").entries()]
    assert senders.answers == {200: 10}
    assert len(files) == 10
    assert all(load(path) for path in files)
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert (elsewhere / "precious.json").read_text() == "do not lose me"
