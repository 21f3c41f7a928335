"""The messages and their states, in SQLite."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from inbound import START, STOP, Inbound
from receipt import FINAL, Receipt

# A receipt can arrive twice, late, or before the send call has returned. So each status has a rank, and the rank of a
# message never decreases. An unknown status is between `buffered` and the final ones.
_RANKS = {"sent": 0, "accepted": 1, "submitted": 1, "buffered": 2, "read": 5}
_UNLISTED_RANK, _FINAL_RANK = 3, 4

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (id TEXT PRIMARY KEY, status TEXT, err_code TEXT, rank INTEGER);
CREATE TABLE IF NOT EXISTS receipt (message_id TEXT, status TEXT, err_code TEXT, UNIQUE (message_id, status, err_code));
CREATE TABLE IF NOT EXISTS inbound (message_id TEXT PRIMARY KEY, sender TEXT, text TEXT);
CREATE TABLE IF NOT EXISTS opted_out (number TEXT PRIMARY KEY);
"""
# A single statement, so that two concurrent receipts cannot overwrite each other.
_UPSERT = """
INSERT INTO message VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET status = excluded.status, err_code = excluded.err_code, rank = excluded.rank
WHERE excluded.rank > message.rank
"""


class Messages:
    """The messages in a database file, for any number of threads and processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._database() as database:
            database.executescript(_SCHEMA)

    def sent(self, message_id: str) -> None:
        """Store a sent message: call it with each `message-id` of the send call. Its receipts may be stored already."""
        with self._database() as database:
            database.execute(_UPSERT, (message_id, "sent", "", _RANKS["sent"]))

    def take(self, receipt: Receipt) -> None:
        """Store a receipt. A duplicate changes nothing."""
        values = (receipt.message_id, receipt.status, receipt.err_code)
        with self._database() as database:
            database.execute("INSERT OR IGNORE INTO receipt VALUES (?, ?, ?)", values)
            database.execute(_UPSERT, (*values, _rank(receipt.status)))

    def receive(self, inbound: Inbound) -> None:
        """Store an inbound message, and follow STOP and START. One that arrives again changes nothing.

        So a STOP that Vonage sends a second time does not undo the START after it.
        """
        with self._database() as database:
            values = (inbound.message_id, inbound.sender, inbound.text)
            if database.execute("INSERT OR IGNORE INTO inbound VALUES (?, ?, ?)", values).rowcount == 0:
                return
            if inbound.command in STOP:
                database.execute("INSERT OR IGNORE INTO opted_out VALUES (?)", (inbound.sender,))
            elif inbound.command in START:
                database.execute("DELETE FROM opted_out WHERE number = ?", (inbound.sender,))

    def opted_out(self) -> list[str]:
        """The numbers that want no messages: ask before you send."""
        with self._database() as database:
            return [number for (number,) in database.execute("SELECT number FROM opted_out ORDER BY number")]

    def all(self) -> list[dict[str, object]]:
        """All messages. history: the statuses in the order of arrival."""
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
    return _RANKS.get(status, _FINAL_RANK if status in FINAL else _UNLISTED_RANK)
