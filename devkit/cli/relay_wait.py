"""Waits for the receipts of a message in the relay, where no session records them: in CI, mostly."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from devkit.cli.output import echo_event, notice
from devkit.cli.relay_lines import missing_text
from devkit.cli.wait import endings_of, print_wait
from devkit.errors import RelayError
from devkit.events import Event, Notice
from devkit.events.relay import RelayChanged
from devkit.events.session import NotRecorded
from devkit.fixture.send_log import read_sends
from devkit.fixture.store import Store
from devkit.session.follow import FollowOptions, MessageFollowing, following_messages
from devkit.session.project import Project
from devkit.session.settings import Settings
from devkit.session.signals import Shutdown, stop_on_signals
from devkit.session.wait import PendingMessage, WaitFinished, find_message, wait_for_receipts

_STOPPED = "stopped waiting; later receipts stay in the relay, see: devkit follow"
_ENDED = "the relay cannot be read any further"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # the relay keeps receipts of days ago


def wait_in_relay(
    settings: Settings,
    options: FollowOptions,
    project: Project,
    ids: tuple[str, ...],
    until: str,
    timeout: float,
    *,
    as_json: bool,
) -> WaitFinished:
    """Wait for a message, and print its receipts. ids: as in `find_message`. Raises RelayError, DevkitError."""
    with stop_on_signals() as stop, following_messages(settings, options, _printer(as_json=as_json)) as relay:
        message = find_message(
            Store(settings.fixtures),
            ids,
            until,
            datetime.now(UTC),
            read_sends=partial(read_sends, project.private),
            session_runs=True,
        )
        return _wait(relay, message, stop, timeout, as_json=as_json)


def send_and_wait(
    settings: Settings,
    options: FollowOptions,
    send: Callable[[], PendingMessage],
    timeout: float | None,
    *,
    as_json: bool,
) -> WaitFinished:
    """Send a message and print its receipts. The relay is reached first, so that none is missed. Raises DevkitError."""
    now = replace(options, since="now")
    with stop_on_signals() as stop, following_messages(settings, now, _printer(as_json=as_json)) as relay:
        return _wait(relay, send(), stop, timeout, as_json=as_json)


def _wait(
    relay: MessageFollowing, message: PendingMessage, stop: Shutdown, timeout: float | None, *, as_json: bool
) -> WaitFinished:
    """Wait for a message whose ids are known. Raises RelayError, also when the relay is unreachable at the end."""
    follower = relay.follow(message.ids)
    message.since = _LONG_AGO
    endings = {**endings_of(message.until, timeout), "stopped": _STOPPED, "session-ended": _ENDED}
    events = wait_for_receipts(
        message, relay.store, stop, session_runs=lambda: follower.is_running, timeout=timeout
    )
    end = print_wait(events, endings, as_json=as_json)
    if end.reason == "session-ended":
        follower.check()
    if end.reason == "timeout" and follower.is_lost:
        raise RelayError(
            f"The relay {follower.following.relay} is unreachable.",
            hint="Find out what is wrong: devkit relay check",
        )
    return end


def _printer(*, as_json: bool) -> Callable[[Event], None]:
    """A function that prints what a follower publishes beside receipts. For any thread."""

    def publish(event: Event) -> None:
        if isinstance(event, Notice):
            notice(event.text)
        elif isinstance(event, NotRecorded):
            notice(f"{event.error} {event.hint}")
        elif isinstance(event, RelayChanged) and event.state != "live":
            notice(missing_text(event)) if not as_json else echo_event(event, "", as_json=True)

    return publish
