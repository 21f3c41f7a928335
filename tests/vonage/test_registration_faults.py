"""Every fault of the settings API at every call of a session: a clear line, and never a wrong account."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from devkit.errors import VonageError
from devkit.events import Event
from devkit.events.session import Ready, Stopped
from devkit.session.project import project_in
from devkit.session.run import SessionOptions, run
from devkit.session.signals import Shutdown
from devkit.simulator.options import SETTINGS_FAULTS, Unset
from tests.support.dev_process import running_dev
from tests.support.live_account import (
    account_with,
    environ,
    registered_callback,
    restored,
    set_callback,
    settings,
)
from tests.support.raw_socket import closed_port
from tests.support.settings_gateway import Gateway
from tests.support.simulator_client import listening

# The settings calls of a session: it looks, looks again, sets its own, reads that back; and at the end it looks,
# sets the former one, reads that back.
EARLY, LOOK, SET, READ_BACK, LAST_LOOK, GIVE_BACK, LAST_READ_BACK = range(7)
TRANSIENT = {"rate-limited", "server-error", "unavailable", "hang-up", "hang-up-after"}


class Place:
    """An account with a former callback that is alive, and a project directory."""

    def __init__(self, directory: Path, gateway: Gateway, former: str) -> None:
        port = closed_port()
        self.settings = replace(
            settings(gateway),
            port=port,
            inspector_port=0,
            public_url=f"http://127.0.0.1:{port}",
            fixtures=directory / "fixtures",
            callback_token="a-token-of-the-tests",
        )
        self.directory, self.gateway, self.former = directory, gateway, former
        self.ours = f"{self.settings.public_url}/webhooks/delivery-receipt/a-token-of-the-tests"
        self.journal = project_in(directory).journal
        self.events: list[Event] = []

    def run_session(self) -> VonageError | None:
        """A session that is stopped as soon as it is ready; how it failed."""
        stop = Shutdown()

        def publish(event: Event) -> None:
            self.events.append(event)
            if isinstance(event, Ready):
                stop.request()

        try:
            run(self.settings, SessionOptions(), self.directory, publish, stop, lambda question: False)
        except VonageError as error:
            return error
        return None

    def restore(self) -> str:
        return restored(self.settings, project_in(self.directory)).outcome

    @property
    def current(self) -> str:
        return registered_callback(self.gateway)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with listening() as listener, account_with(listener.url) as gateway:
        yield Place(tmp_path, gateway, listener.url)


def test_without_a_fault_each_change_is_posted_once(place: Place) -> None:
    assert place.run_session() is None

    assert place.gateway.calls == [None, None, place.ours, None, None, place.former, None]
    assert place.current == place.former
    assert isinstance(place.events[-1], Stopped)


@pytest.mark.parametrize("fault", SETTINGS_FAULTS)
@pytest.mark.parametrize("call", [EARLY, LOOK, SET, READ_BACK, LAST_LOOK, GIVE_BACK, LAST_READ_BACK])
def test_fault_ends_in_words_and_in_an_account_as_it_was(place: Place, call: int, fault: str) -> None:
    place.gateway.fail_at(call, fault)

    error = place.run_session()

    assert (error is None) == is_harmless(call, fault)
    if error:
        assert error.message
        assert error.hint
        assert place.settings.api_secret not in error.message + error.hint
    if error and call in (LAST_LOOK, GIVE_BACK):
        assert place.current == place.ours
        assert place.journal.exists()
        assert f"The former callback {place.former} could not be restored" in error.message
        assert "devkit restore" in error.hint
    else:
        assert place.current == place.former
        assert not place.journal.exists()
    assert place.gateway.changes.count(place.ours) == (call > LOOK or is_harmless(call, fault))
    assert place.gateway.changes.count(place.former) <= 1 + (fault in TRANSIENT)

    outcome = place.restore()

    assert outcome == ("given-back" if error and call in (LAST_LOOK, GIVE_BACK) else "nothing")
    assert place.current == place.former
    assert not place.journal.exists()


def is_harmless(call: int, fault: str) -> bool:
    if call == LAST_READ_BACK:  # a lost answer is looked for once more
        return True
    if call in (LAST_LOOK, GIVE_BACK) and fault in TRANSIENT:  # which is tried again
        return True
    if fault == "unchanged":
        return call not in (SET, GIVE_BACK)
    return fault == "slow" or (fault == "hang-up-after" and call == GIVE_BACK)


@pytest.mark.parametrize("unset_value", ["empty", "null", "missing"])
@pytest.mark.parametrize("lenient", [False, True])
def test_account_without_a_callback_has_none_again_however_the_platform_says_so(
    place: Place, unset_value: Unset, lenient: bool
) -> None:
    set_callback(place.gateway, "")
    place.gateway.simulator.configure(
        lambda options: replace(options, unset_value=unset_value, lenient=lenient)
    )

    assert place.run_session() is None

    assert place.gateway.changes == [place.ours, ""]
    assert place.current == ""
    assert place.gateway.simulator.account.spelling == "drCallBackUrl"


@pytest.mark.parametrize(
    ("call", "fault", "words"),
    [
        (EARLY, "unauthorized", "Vonage refused the API key"),
        (SET, "refused", "Vonage answered 420"),
        (SET, "html", "something other than a JSON object"),
        (SET, "hang-up-after", "gave no complete answer"),
        (GIVE_BACK, "refused", "could not be restored: Vonage answered 420"),
    ],
)
def test_user_reads_two_lines_and_the_exit_code_is_4(
    tmp_path: Path, place: Place, call: int, fault: str, words: str
) -> None:
    place.gateway.fail_at(call, fault)
    url = place.settings.public_url
    more = {**environ(place.gateway), "DEVKIT_CALLBACK_TOKEN": "a-token-of-the-tests"}

    with running_dev(tmp_path, "--port", str(place.settings.port), "--public-url", url, **more) as dev:
        if call == GIVE_BACK:
            dev.wait_for("ready")
            dev.process.terminate()
        assert dev.finish() == 4

    lines = dev.stderr.splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["Error:", "Hint:"]
    assert words in lines[0]
    assert place.current == (place.ours if call == GIVE_BACK else place.former)
    assert place.journal.exists() == (call == GIVE_BACK)
    place.restore()
    assert place.current == place.former
