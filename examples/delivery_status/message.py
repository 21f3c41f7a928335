"""The messages and what is known of them, in SQLite."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from receipt import FINAL, Receipt

# A receipt can come twice, late, or before the send call has returned. So each status has a rank, and a message only
# ever goes up. A word that nobody knows says more than `buffered`, and less than the end.
_RANKS = {"sent": 0, "accepted": 1, "buffered": 2}
_UNLISTED, _END = 3, 4

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (id TEXT PRIMARY KEY, status TEXT, err_code TEXT, rank INTEGER);
CREATE TABLE IF NOT EXISTS receipt (message_id TEXT, status TEXT, err_code TEXT, UNIQUE (message_id, status, err_code));
"""
# One statement decides, so that two receipts at the same moment cannot overtake each other.
_RAISE = """
INSERT INTO message VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET status = excluded.status, err_code = excluded.err_code, rank = excluded.rank
WHERE excluded.rank > message.rank
"""


class Messages:
    """The messages in a database file. Any number of threads and processes may use it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._database() as database:
            database.executescript(_SCHEMA)

    def sent(self, message_id: str) -> None:
        """Vonage took the message: to be called with each `message-id` of the send call. Late is no harm."""
        with self._database() as database:
            database.execute(_RAISE, (message_id, "sent", "", _RANKS["sent"]))

    def take(self, receipt: Receipt) -> None:
        """A receipt came; the same one again changes nothing."""
        told = (receipt.message_id, receipt.status, receipt.err_code)
        with self._database() as database:
            database.execute("INSERT OR IGNORE INTO receipt VALUES (?, ?, ?)", told)
            database.execute(_RAISE, (*told, _rank(receipt.status)))

    def all(self) -> list[dict[str, object]]:
        """Every message, as it is shown. history: the statuses in the order in which they came."""
        with self._database() as database:
            rows = database.execute("SELECT id, status, err_code FROM message ORDER BY rowid").fetchall()
            history = defaultdict(list)
            for message_id, status in database.execute(
                "SELECT message_id, status FROM receipt ORDER BY rowid"
            ):
                history[message_id].append(status)
        return [
            {
                "message_id": message_id,
                "status": status,
                "err_code": err_code,
                "final": status in FINAL,
                "history": history[message_id],
            }
            for message_id, status, err_code in rows
        ]

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path)) as database, database:
            yield database


def _rank(status: str) -> int:
    return _END if status in FINAL else _RANKS.get(status, _UNLISTED)
