"""The messages that a session or `devkit send` sent: receipts of their parts are shown as those of one message."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime

from devkit.events import Event, Notice, Publish
from devkit.events.session import Sent
from devkit.fixture.format import format_time
from devkit.fixture.send_log import SendLog
from devkit.webhook.timeline import SentMessage

_MAX_PARTS = 10_000  # that are remembered


class Sends:
    """Remembers messages by their parts. For any thread."""

    def __init__(self, log: SendLog) -> None:
        self._log = log
        self._by_part: OrderedDict[str, SentMessage] = OrderedDict()
        self._lock = threading.Lock()
        self.earlier = tuple(self._new())

    def of(self, message_id: str) -> SentMessage | None:
        """The message that a part belongs to; None when nobody said that it was sent."""
        return self._by_part.get(message_id)

    def find(self, message_id: str, publish: Publish) -> SentMessage | None:
        """As `of`, but for an unknown part it first publishes what is new in the log."""
        if message_id and message_id not in self._by_part:
            self.publish_new(publish)
        return self.of(message_id)

    def remembering(self, publish: Publish, clock: Callable[[], datetime]) -> Publish:
        """A function that publishes events, and remembers and logs those that say that a message was sent.

        clock: for an event without a time. That the log cannot be written is published, too.
        """

        def remember_and_publish(event: Event) -> None:
            problem = self._observe(event, clock)
            publish(event)
            if problem:
                publish(problem)

        return remember_and_publish

    def _observe(self, event: Event, clock: Callable[[], datetime]) -> Notice | None:
        if not isinstance(event, Sent) or not event.message_ids or self.of(event.message_ids[0]):
            return None
        at = datetime.fromisoformat(event.at) if event.at else clock()
        message = SentMessage(at, event.message_ids, event.to)
        with self._lock:
            self._remember(message)
        try:
            self._log.add(message)
        except OSError as error:
            return Notice(f"The parts of this message are not kept together: {error.strerror}.")
        return None

    def publish_new(self, publish: Publish) -> None:
        """Publish the messages that other processes sent since the last call."""
        for message in self._new():
            publish(Sent(message.parts, message.to, format_time(message.at)))

    def _new(self) -> Sequence[SentMessage]:
        with self._lock:
            new = [message for message in self._log.poll() if message.parts[0] not in self._by_part]
            for message in new:
                self._remember(message)
            return new

    def _remember(self, message: SentMessage) -> None:
        self._by_part.update(dict.fromkeys(message.parts, message))
        while len(self._by_part) > _MAX_PARTS:
            self._by_part.popitem(last=False)
