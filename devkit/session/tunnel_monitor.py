"""Monitors the tunnel while a session runs: its own events, and periodic requests to the public URL."""

import time
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from queue import Empty, SimpleQueue

from devkit.errors import DevkitError, TunnelError
from devkit.events import Notice, Publish
from devkit.events.session import TunnelChanged
from devkit.session.signals import Shutdown
from devkit.tunnel.types import Notify, TunnelEvent

_POLL_INTERVAL = 0.2  # seconds
_RECHECK_DELAY = 2.0  # seconds; one check may fail by chance, two in a row mean something

# Seconds between checks while the tunnel is lost; the last one repeats. An agent reports when it is back, so these
# checks mostly show that it is not back yet, and each may count as a request of the month.
_LOST_DELAYS = (5.0, 10.0, 20.0, 30.0, 60.0)

TunnelEvents = SimpleQueue[TunnelEvent]


def forward_events(publish: Publish, events: TunnelEvents) -> Notify:
    """The function that a tunnel calls: it publishes each event, and queues it for the monitor. For any thread."""

    def notify(event: TunnelEvent) -> None:
        if event.state != "restored":  # the monitor publishes it, after a check
            publish(TunnelChanged(event.state, event.public_url, event.detail))
        events.put(event)

    return notify


class TunnelMonitor:
    """Checks that the public URL leads here, reports when it does not, and follows to a new URL.

    check: the problem with a public URL; empty when it leads here. follow: moves the registration and the session's
    description to a new URL. interval: seconds between two checks of a tunnel that works. For one thread.
    """

    def __init__(
        self,
        public_url: str,
        events: TunnelEvents,
        publish: Publish,
        *,
        check: Callable[[str], str],
        follow: Callable[[str], None],
        interval: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = self._followed_url = public_url
        self._events, self._publish = events, publish
        self._check, self._follow, self._interval, self._clock = check, follow, interval, clock
        self._due = clock() + interval
        self._has_failed = False
        self._lost_since: float | None = None
        self._delays = _delays()

    def run(self, stop: Shutdown, *, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Poll until a shutdown is requested. Raises TunnelError when the tunnel will not come back.

        meanwhile: called after each poll; must not block.
        """
        while not stop.wait(_POLL_INTERVAL):
            self.poll()
            meanwhile()

    def poll(self) -> None:
        """Handle the tunnel's events, and check the public URL if that is due. Raises TunnelError."""
        try:
            while True:
                self._handle(self._events.get_nowait())
        except Empty:
            pass
        if self._clock() < self._due:
            return
        problem = self._check(self._url)
        if problem:
            self._check_failed(problem)
        elif self._url == self._followed_url or self._try_to_follow():
            self._check_passed()

    def _handle(self, event: TunnelEvent) -> None:
        if event.state == "failed":
            raise TunnelError(f"The tunnel is gone: {event.detail}.", hint="Start again: devkit dev")
        if event.state in ("lost", "restored", "restarted"):
            self._mark_lost()
        if event.state in ("restored", "restarted"):
            self._url, self._due = event.public_url, self._clock()
            self._delays = _delays()

    def _mark_lost(self) -> None:
        if self._lost_since is None:
            self._lost_since, self._delays = self._clock(), _delays()
            self._postpone()

    def _check_failed(self, problem: str) -> None:
        if self._lost_since is not None:
            self._publish(TunnelChanged("reconnecting", self._url, f"since {self._lost_for()}"))
            self._postpone()
        elif self._has_failed:
            self._publish(TunnelChanged("lost", self._url, problem))
            self._mark_lost()
        else:
            self._has_failed, self._due = True, self._clock() + _RECHECK_DELAY

    def _check_passed(self) -> None:
        if self._lost_since is not None:
            self._publish(TunnelChanged("restored", self._url, f"after {self._lost_for()}"))
        self._has_failed, self._lost_since = False, None
        self._due = self._clock() + self._interval

    def _try_to_follow(self) -> bool:
        try:
            self._follow(self._url)
        except DevkitError as error:
            self._publish(Notice(f"The callback could not follow the tunnel: {error.message} Trying again."))
            self._postpone()
            return False
        self._followed_url = self._url
        return True

    def _postpone(self) -> None:
        self._due = self._clock() + next(self._delays)

    def _lost_for(self) -> str:
        return f"{self._clock() - (self._lost_since or 0):.0f} s"


def _delays() -> Iterator[float]:
    return chain(_LOST_DELAYS, repeat(_LOST_DELAYS[-1]))
