"""An engine of the relay in memory, which can lose its connection and its entries."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from devkit.errors import RelayError
from devkit.fixture.format import Fixture
from devkit.relay.cipher import Cipher
from devkit.relay.entry import entry_of
from devkit.relay.stream import EntryFields, Span, StreamEntry
from devkit.webhook.callback import compose

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class MemoryEngine:
    """Ids are milliseconds after noon, unless they are given. before_read: called before each read."""

    def __init__(self) -> None:
        self.entries: list[StreamEntry] = []
        self.last = ""
        self.is_down = False
        self.before_read: Callable[[], None] = lambda: None
        self.waits: list[float] = []
        self._changed = threading.Condition()

    def append(self, entries: Sequence[EntryFields]) -> list[str | RelayError]:
        with self._changed:
            ids = [self._add(fields) for fields in entries]
            self._changed.notify_all()
        return list(ids)

    def read(self, after: str, wait: float, count: int) -> list[StreamEntry]:
        self.before_read()
        self.waits.append(wait)
        with self._changed:
            self._check()
            self._changed.wait_for(lambda: self._after(after) or self.is_down, wait)
            self._check()
            return self._after(after)[:count]

    def span(self) -> Span:
        self._check()
        first = self.entries[0].id if self.entries else ""
        return Span(first, self.last, len(self.entries))

    def put(
        self,
        who: str = "",
        number: int = 1,
        *,
        status: str = "delivered",
        cipher: Cipher | None = None,
        entry_id: str = "",
    ) -> str:
        """Add the receipt of a message; its id."""
        fixture = relayed_receipt(number, status)
        entry = entry_of(fixture, fixture.read(), who=who, receiver="r1", cipher=cipher or Cipher())
        with self._changed:
            added = self._add(entry.as_fields(), entry_id)
            self._changed.notify_all()
        return added

    def set_down(self, is_down: bool = True) -> None:
        with self._changed:
            self.is_down = is_down
            self._changed.notify_all()

    def trim(self, keep: int) -> None:
        """Remove all but the newest entries."""
        self.entries = self.entries[-keep:] if keep else []

    def empty(self) -> None:
        """Lose everything, as an engine without a disk does when it starts again."""
        self.entries, self.last = [], ""

    def _add(self, fields: EntryFields, entry_id: str = "") -> str:
        milliseconds = int(NOON.timestamp() * 1000)
        newest = int(self.last.partition("-")[0]) if self.last else milliseconds
        self.last = entry_id or f"{newest + 1}-0"
        self.entries.append(StreamEntry(self.last, fields))
        return self.last

    def _after(self, after: str) -> list[StreamEntry]:
        return [entry for entry in self.entries if _parts(entry.id) > _parts(after)]

    def _check(self) -> None:
        if self.is_down:
            raise RelayError(
                "The engine redis://127.0.0.1:6379 failed: Connection refused.", hint="Check it."
            )


def relayed_receipt(number: int = 1, status: str = "delivered") -> Fixture:
    """The receipt of a message with this number, as the relay's receiver records it."""
    fields = {
        "msisdn": "447700900001",
        "to": "AcmeInc",
        "messageId": f"0A{number:014}",
        "status": status,
        "err-code": "0",
    }
    return Fixture(NOON + timedelta(seconds=number), compose(fields, "form"), signature="unchecked")


def _parts(entry_id: str) -> tuple[int, ...]:
    return tuple(map(int, (entry_id or "0-0").split("-")))
