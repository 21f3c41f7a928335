"""Keeps an eye on the way in while a session runs: on what the tunnel says, and on what is seen from outside."""

import time
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from queue import Empty, SimpleQueue

from devkit.errors import DevkitError, TunnelError
from devkit.events import Notice, Publish, TunnelChanged
from devkit.session.signals import Shutdown
from devkit.tunnel.types import Notify, TunnelEvent

_POLL_INTERVAL = 0.2  # seconds between two looks at what the tunnel said
_AGAIN = 2.0  # seconds: one question may get lost; two in a row mean something

# Seconds between the questions while the tunnel is lost; the last one repeats. An agent says when it is back, so
# they serve mostly to tell that it is not yet, and may count as requests of the month all the same.
_WHILE_LOST = (5.0, 10.0, 20.0, 30.0, 60.0)

News = SimpleQueue[TunnelEvent]


def listener(publish: Publish, news: News) -> Notify:
    """What a tunnel is to call: tells each event at once, and leaves it for the lookout. For any thread."""

    def hear(event: TunnelEvent) -> None:
        if event.state != "restored":  # which is told when it was seen from outside, too
            publish(TunnelChanged(event.state, event.public_url, event.detail))
        news.put(event)

    return hear


class TunnelMonitor:
    """Sees that the public URL leads here, says so when it does not, and has the others follow to a new one.

    ask: what is wrong with a public URL, seen from outside; nothing when it leads here. move: has the account and
    the other commands follow. every: seconds between two questions while all is well. For one thread.
    """

    def __init__(
        self,
        public_url: str,
        news: News,
        publish: Publish,
        *,
        ask: Callable[[str], str],
        move: Callable[[str], None],
        every: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = self._announced = public_url
        self._news, self._publish = news, publish
        self._ask, self._move, self._every, self._clock = ask, move, every, clock
        self._due = clock() + every
        self._missed = False
        self._lost_since: float | None = None
        self._pauses = _pauses()

    def keep(self, stop: Shutdown) -> None:
        """Look until it is time to stop. Raises TunnelError when the tunnel will not come back."""
        while not stop.wait(_POLL_INTERVAL):
            self.look()

    def look(self) -> None:
        """Take in what the tunnel said, and ask from outside if that is due. Raises TunnelError."""
        try:
            while True:
                self._take_in(self._news.get_nowait())
        except Empty:
            pass
        if self._clock() < self._due:
            return
        wrong = self._ask(self._url)
        if wrong:
            self._miss(wrong)
        elif self._url == self._announced or self._follow():
            self._find()

    def _take_in(self, event: TunnelEvent) -> None:
        if event.state == "failed":
            raise TunnelError(f"The tunnel is gone: {event.detail}.", hint="Start again: devkit dev")
        if event.state in ("lost", "restored", "restarted"):
            self._lose()
        if event.state in ("restored", "restarted"):
            self._url, self._due = event.public_url, self._clock()
            self._pauses = _pauses()

    def _lose(self) -> None:
        if self._lost_since is None:
            self._lost_since, self._pauses = self._clock(), _pauses()
            self._postpone()

    def _miss(self, wrong: str) -> None:
        if self._lost_since is not None:
            self._publish(TunnelChanged("reconnecting", self._url, f"since {self._lost_for()}"))
            self._postpone()
        elif self._missed:
            self._publish(TunnelChanged("lost", self._url, wrong))
            self._lose()
        else:
            self._missed, self._due = True, self._clock() + _AGAIN

    def _find(self) -> None:
        if self._lost_since is not None:
            self._publish(TunnelChanged("restored", self._url, f"after {self._lost_for()}"))
        self._missed, self._lost_since = False, None
        self._due = self._clock() + self._every

    def _follow(self) -> bool:
        try:
            self._move(self._url)
        except DevkitError as error:
            self._publish(Notice(f"The callback could not follow the tunnel: {error.message} Trying again."))
            self._postpone()
            return False
        self._announced = self._url
        return True

    def _postpone(self) -> None:
        self._due = self._clock() + next(self._pauses)

    def _lost_for(self) -> str:
        return f"{self._clock() - (self._lost_since or 0):.0f} s"


def _pauses() -> Iterator[float]:
    return chain(_WHILE_LOST, repeat(_WHILE_LOST[-1]))
