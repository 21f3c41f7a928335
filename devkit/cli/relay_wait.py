"""Waits for the receipts of a message in the relay, where no session records them: in CI, mostly."""

from collections.abc import Callable
from datetime import UTC, datetime

from devkit.cli.output import echo_event, notice
from devkit.cli.relay_lines import missing_text
from devkit.cli.wait import endings_of, print_wait
from devkit.errors import RelayError
from devkit.events import Event, Notice
from devkit.events.relay import RelayChanged
from devkit.events.session import NotRecorded
from devkit.fixture.store import Store
from devkit.session.follow import FollowOptions, following_messages
from devkit.session.settings import Settings
from devkit.session.signals import stop_on_signals
from devkit.session.wait import PendingMessage, WaitFinished, wait_for_receipts

_STOPPED = "stopped waiting; later receipts stay in the relay, see: devkit follow"
_ENDED = "the relay cannot be read any further"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # the relay keeps receipts of days ago


def wait_in_relay(
    settings: Settings,
    options: FollowOptions,
    message: Callable[[], PendingMessage],
    timeout: float | None,
    *,
    as_json: bool,
) -> WaitFinished:
    """Print the receipts of a message as they arrive in the relay, and how the wait ended.

    message: finds or sends it. The relay is reached before, so that no receipt is missed. timeout: seconds; None for no
    limit. Raises RelayError, also when the relay is unreachable at the end, and what `message` raises.
    """
    with (
        stop_on_signals() as stop,
        following_messages(settings, options, _printer(as_json=as_json)) as follow,
    ):
        pending = message()
        pending.since = _LONG_AGO
        follower = follow(pending.ids)
        endings = {**endings_of(pending.until, timeout), "stopped": _STOPPED, "session-ended": _ENDED}
        events = wait_for_receipts(
            pending,
            Store(settings.fixtures),
            stop,
            session_runs=lambda: follower.is_running,
            timeout=timeout,
        )
        end = print_wait(events, endings, len(pending.ids), as_json=as_json)
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
