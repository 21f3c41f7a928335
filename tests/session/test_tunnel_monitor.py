from queue import SimpleQueue

import pytest

from devkit.errors import TunnelError, VonageError
from devkit.events import Event, Notice
from devkit.events.session import TunnelChanged
from devkit.session.signals import Shutdown
from devkit.session.tunnel_monitor import TunnelEvents, TunnelMonitor, forward_events
from devkit.tunnel.types import TunnelEvent
from tests.support.steps import Steps

URL = "https://dlr.example.test"
NEW_URL = "https://new.example.test"
EVERY = 100.0


class Scene:
    """A monitor with a clock of its own. wrong: what the outside says."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.wrong = ""
        self.events: list[Event] = []
        self.checked: list[str] = []
        self.followed: list[str] = []
        self.follow_fails = False
        events: TunnelEvents = SimpleQueue()
        self.notify = forward_events(self.events.append, events)
        self.monitor = TunnelMonitor(
            URL,
            events,
            self.events.append,
            check=self.check,
            follow=self.follow,
            interval=EVERY,
            clock=lambda: self.now,
        )

    def check(self, public_url: str) -> str:
        self.checked.append(public_url)
        return self.wrong

    def follow(self, public_url: str) -> None:
        self.followed.append(public_url)
        if self.follow_fails:
            raise VonageError("Vonage answered 503.")

    def after(self, seconds: float) -> list[Event]:
        """What is told when so much time has gone by."""
        self.now += seconds
        before = len(self.events)
        self.monitor.poll()
        return self.events[before:]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_nothing_is_reported_while_the_tunnel_works(scene: Scene) -> None:
    assert [scene.after(EVERY / 2) for _ in range(4)] == [[]] * 4

    assert scene.checked == [URL] * 2


def test_one_failed_check_is_not_reported(scene: Scene) -> None:
    scene.wrong = "it answered 502"
    assert scene.after(EVERY) == []
    scene.wrong = ""
    assert scene.after(2) == []

    scene.wrong = "it answered 502"
    assert scene.after(EVERY) == []
    assert scene.checked == [URL] * 3


def test_two_failed_checks_in_a_row_are_reported_with_the_time_since_and_the_end(scene: Scene) -> None:
    scene.wrong = "it answered 502"

    scene.after(EVERY)
    assert scene.after(2) == [TunnelChanged("lost", URL, "it answered 502")]
    assert scene.after(4.9) == []
    assert scene.after(0.1) == [TunnelChanged("reconnecting", URL, "since 5 s")]
    assert scene.after(10) == [TunnelChanged("reconnecting", URL, "since 15 s")]
    scene.wrong = ""
    assert scene.after(20) == [TunnelChanged("restored", URL, "after 35 s")]
    assert scene.after(EVERY - 1) == []
    assert scene.followed == []


def test_while_it_is_lost_it_is_asked_less_and_less_often(scene: Scene) -> None:
    scene.wrong = "it answered 404"
    scene.notify(TunnelEvent("lost", "ngrok has lost its connection", URL))
    scene.after(0)

    asked_after = []
    for second in range(1, 3601):
        before = len(scene.checked)
        scene.after(1)
        asked_after += [second] * (len(scene.checked) - before)

    assert asked_after == [5, 15, 35, *range(65, 3601, 60)]


def test_an_event_of_the_tunnel_is_published_at_once_and_only_once(scene: Scene) -> None:
    scene.notify(TunnelEvent("lost", "ngrok has lost its connection", URL))

    assert scene.events == [TunnelChanged("lost", URL, "ngrok has lost its connection")]
    assert scene.after(0) == []
    scene.wrong = "it answered 404"
    assert scene.after(12) == [TunnelChanged("reconnecting", URL, "since 12 s")]


def test_a_tunnel_that_says_it_is_back_is_checked_before_that_is_reported(scene: Scene) -> None:
    scene.notify(TunnelEvent("lost", "ngrok has lost its connection", URL))
    scene.after(0)

    scene.notify(TunnelEvent("restored", "ngrok has its connection back", URL))
    scene.wrong = "it answered 404"
    assert [event.state for event in scene.events if isinstance(event, TunnelChanged)] == ["lost"]
    assert scene.after(1) == [TunnelChanged("reconnecting", URL, "since 1 s")]
    scene.wrong = ""
    assert scene.after(5) == [TunnelChanged("restored", URL, "after 6 s")]


def test_lost_and_restored_that_arrive_together_are_both_reported(scene: Scene) -> None:
    scene.notify(TunnelEvent("lost", "ngrok has lost its connection", URL))
    scene.notify(TunnelEvent("restored", "ngrok has its connection back", URL))

    assert scene.after(0) == [TunnelChanged("restored", URL, "after 0 s")]


def test_a_new_url_is_checked_then_followed_then_reported(scene: Scene) -> None:
    scene.notify(TunnelEvent("lost", "the agent ended", URL))
    scene.notify(TunnelEvent("restarted", "with a new URL", NEW_URL))

    assert scene.after(0) == [TunnelChanged("restored", NEW_URL, "after 0 s")]
    assert scene.checked == [NEW_URL]
    assert scene.followed == [NEW_URL]
    scene.after(EVERY)
    assert scene.followed == [NEW_URL]


def test_a_restart_with_the_same_url_moves_nothing(scene: Scene) -> None:
    scene.notify(TunnelEvent("restarted", "with the same URL", URL))

    assert scene.after(0) == [TunnelChanged("restored", URL, "after 0 s")]
    assert scene.checked == [URL]
    assert scene.followed == []


def test_a_move_that_fails_is_reported_and_repeated_later(scene: Scene) -> None:
    scene.follow_fails = True
    scene.notify(TunnelEvent("restarted", "with a new URL", NEW_URL))

    (notice,) = scene.after(0)
    assert isinstance(notice, Notice)
    assert "Vonage answered 503." in notice.text
    assert scene.after(1) == []
    scene.follow_fails = False
    (restored,) = scene.after(9)
    assert isinstance(restored, TunnelChanged)
    assert restored.state == "restored"
    assert scene.followed == [NEW_URL] * 2


def test_a_tunnel_that_is_given_up_ends_the_session(scene: Scene) -> None:
    scene.notify(TunnelEvent("failed", "the ngrok agent cannot be started again", URL))

    with pytest.raises(TunnelError, match="cannot be started again"):
        scene.after(0)
    assert [event.state for event in scene.events if isinstance(event, TunnelChanged)] == ["failed"]


@pytest.mark.parametrize("state", ["installing", "waiting", "ended-leftover"])
def test_events_before_the_tunnel_is_open_are_only_published(scene: Scene, state: str) -> None:
    scene.notify(TunnelEvent(state, "words"))  # type: ignore[arg-type]

    assert scene.events == [TunnelChanged(state, "", "words")]
    assert scene.after(0) == []
    assert scene.checked == []


def test_it_polls_until_it_is_time_to_stop(scene: Scene) -> None:
    scene.now += EVERY

    scene.monitor.run(Steps(lambda: None, lambda: scene.notify(TunnelEvent("restarted", "", NEW_URL))))

    assert scene.checked == [URL, NEW_URL]


def test_it_polls_no_more_when_it_is_time_to_stop(scene: Scene) -> None:
    scene.now += EVERY
    stop = Shutdown()
    stop.request()

    scene.monitor.run(stop)

    assert scene.checked == []
