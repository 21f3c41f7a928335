"""Two sessions and one callback: in one directory, and in two with one account."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.simulator import Simulator, run_simulator
from devkit.vonage.account import AccountSetting
from devkit.vonage.client import Credentials
from tests.support.command import call
from tests.support.dev_process import DEV, TIMEOUT, running_dev
from tests.support.simulator_client import listening
from tests.support.terminal_session import Terminal, needs_terminal, on_a_terminal, own_tunnel

pytestmark = pytest.mark.program


@pytest.fixture
def vonage() -> Iterator[Simulator]:
    with run_simulator() as simulator:
        yield simulator


def environ(vonage: Simulator) -> dict[str, str]:
    return {
        "VONAGE_API_KEY": vonage.api_key,
        "VONAGE_API_SECRET": vonage.api_secret,
        "VONAGE_REST_HOST": vonage.host,
    }


def test_second_session_in_a_directory_is_refused_and_the_owner_named(tmp_path: Path) -> None:
    with running_dev(tmp_path, "--no-demo") as first:
        first.wait_for("ready")
        with running_dev(tmp_path, "--no-demo") as second:
            assert second.finish() == 6
        assert first.stop() == 0

    error, hint = [line for line in second.stderr.splitlines() if not line.startswith("No Vonage")]
    assert f"process {first.process.pid}, since 20" in error
    assert "--force" in hint
    assert second.events == []


def test_force_takes_the_callback_over_and_the_first_session_leaves_it_alone(
    tmp_path: Path, vonage: Simulator
) -> None:
    with running_dev(tmp_path, *own_tunnel(), **environ(vonage)) as first:
        first.wait_for("ready")
        with running_dev(tmp_path, *own_tunnel(), "--force", **environ(vonage)) as second:
            registered = second.wait_for("registered")
            second.wait_for("ready")

            assert first.stop() == 0
            assert vonage.account.dr_callback_url == registered["callback_url"]
            assert second.stop() == 0

    assert first.events[-2] == {
        "event": "restored",
        "callback_url": registered["callback_url"],
        "kept": True,
        "setting": "drCallBackUrl",
    }
    assert registered["former_url"] == vonage.account.dr_callback_url == ""
    assert "devkit restore" not in first.stderr  # the second session restores what both found
    assert {path.name for path in (tmp_path / ".devkit").iterdir()} == {".gitignore", "callback-token"}


@pytest.fixture
def theirs(vonage: Simulator) -> Iterator[str]:
    """The callback of somebody else's devkit in the account; it answers as one that runs."""
    with listening() as listener:
        url = f"{listener.url}/0123456789abcdefghijkl"
        AccountSetting(Credentials(vonage.api_key, vonage.api_secret, vonage.host)).set_callback(url)
        yield url


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    directory = tmp_path / "mine"
    directory.mkdir()
    return directory


def test_callback_of_another_devkit_is_not_replaced_without_being_asked(
    mine: Path, vonage: Simulator, theirs: str
) -> None:
    with running_dev(mine, *own_tunnel(), **environ(vonage)) as dev:
        assert dev.finish() == 6

    host = theirs.split("/")[2]
    assert f"another devkit, at {host}" in dev.stderr
    assert "devkit dev --force" in dev.stderr
    assert theirs not in dev.stderr  # who knows it can send receipts there
    assert vonage.account.dr_callback_url == theirs
    assert {path.name for path in (mine / ".devkit").iterdir()} == {".gitignore", "callback-token"}


def test_callback_of_another_devkit_is_replaced_by_force_and_restored(
    tmp_path: Path, mine: Path, vonage: Simulator
) -> None:
    (tmp_path / "theirs").mkdir()
    with running_dev(tmp_path / "theirs", *own_tunnel(), **environ(vonage)) as other:
        theirs = other.wait_for("ready")["callback_url"]
        with running_dev(mine, *own_tunnel(), "--force", **environ(vonage)) as dev:
            callback_url = dev.wait_for("ready")["callback_url"]
            registered = vonage.account.dr_callback_url
            assert dev.stop() == 0

        assert registered == callback_url
        assert "another devkit" in dev.stderr
        assert vonage.account.dr_callback_url == theirs
        assert other.stop() == 0


def test_no_register_asks_nothing_and_touches_nothing(mine: Path, vonage: Simulator, theirs: str) -> None:
    with running_dev(mine, *own_tunnel(), "--no-register", **environ(vonage)) as dev:
        dev.wait_for("ready")
        assert dev.stop() == 0

    assert dev.stderr == ""
    assert vonage.account.dr_callback_url == theirs


def test_session_that_was_taken_over_keeps_the_former_callback_until_it_can_be_restored(
    tmp_path: Path, mine: Path, vonage: Simulator
) -> None:
    (tmp_path / "theirs").mkdir()
    with listening() as production:
        account = AccountSetting(Credentials(vonage.api_key, vonage.api_secret, vonage.host))
        account.set_callback(production.url)
        with running_dev(mine, *own_tunnel(), **environ(vonage)) as first:
            first.wait_for("ready")
            with running_dev(tmp_path / "theirs", *own_tunnel(), "--force", **environ(vonage)) as second:
                its_url = second.wait_for("ready")["callback_url"]
                assert first.stop() == 0
                assert second.stop() == 4  # the first session's URL answers no more

        left = call(mine, "restore", **environ(vonage))
        theirs = call(tmp_path / "theirs", "restore", **environ(vonage))
        assert vonage.account.dr_callback_url == its_url
        done = call(mine, "restore", "--force", **environ(vonage))
        again = call(tmp_path / "theirs", "restore", **environ(vonage))

        assert vonage.account.dr_callback_url == production.url
    words = f"The former callback {production.url} was not restored"
    for said in (first.stderr, left.err):
        assert words in said
        assert "devkit restore --force" in said
    assert left.code == done.code == again.code == 0
    assert theirs.code == 4
    assert "devkit restore --force" in second.stderr
    assert "devkit restore --force" in theirs.err
    assert f"The account holds {its_url}, which is replaced." in done.err
    assert done.out == [f"Restored: the account holds {production.url}, as before the session."]
    assert list(mine.glob(".devkit/registration*")) == []
    assert list((tmp_path / "theirs").glob(".devkit/registration*")) == []


def callback_until_stopped(terminal: Terminal, vonage: Simulator) -> str:
    """What the account holds when the session is ready; then it is stopped."""
    terminal.wait_for("ready")
    registered = vonage.account.dr_callback_url
    terminal.process.terminate()
    terminal.wait_for("stopped")
    assert terminal.process.wait(TIMEOUT) == 0
    return registered


@needs_terminal
def test_yes_on_a_terminal_is_enough(mine: Path, vonage: Simulator, theirs: str) -> None:
    with on_a_terminal(mine, *DEV, *own_tunnel(), **environ(vonage)) as terminal:
        terminal.wait_for("[y/N]")
        terminal.type("y\n")
        registered = callback_until_stopped(terminal, vonage)

    assert registered != theirs
    assert vonage.account.dr_callback_url == theirs


@needs_terminal
def test_callback_that_changes_while_somebody_thinks_is_asked_about_again(
    mine: Path, vonage: Simulator, theirs: str
) -> None:
    with (
        listening() as production,
        on_a_terminal(mine, *DEV, *own_tunnel(), **environ(vonage)) as terminal,
    ):
        terminal.wait_for("[y/N]")
        AccountSetting(Credentials(vonage.api_key, vonage.api_secret, vonage.host)).set_callback(
            production.url
        )
        terminal.type("y\n")
        terminal.wait_for(f"changed meanwhile: now it is {production.url}. Take it over")
        assert vonage.account.dr_callback_url == production.url
        terminal.type("y\n")
        registered = callback_until_stopped(terminal, vonage)

        assert registered not in (theirs, production.url)
        assert vonage.account.dr_callback_url == production.url


@needs_terminal
@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04"])
def test_anything_else_on_a_terminal_changes_nothing(
    mine: Path, vonage: Simulator, theirs: str, answer: str
) -> None:
    with on_a_terminal(mine, *DEV, *own_tunnel(), **environ(vonage)) as terminal:
        terminal.wait_for("[y/N]")
        terminal.type(answer)
        assert terminal.process.wait(TIMEOUT) == 6

    assert vonage.account.dr_callback_url == theirs


@needs_terminal
def test_stop_signal_ends_the_question(mine: Path, vonage: Simulator, theirs: str) -> None:
    with on_a_terminal(mine, *DEV, *own_tunnel(), **environ(vonage)) as terminal:
        terminal.wait_for("[y/N]")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.process.wait(TIMEOUT) == 0

    assert vonage.account.dr_callback_url == theirs
