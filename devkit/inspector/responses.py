"""What the developer's application responded to the recordings, read from the log of responses."""

import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

from devkit.durable.lock import is_alive
from devkit.fixture.response_log import LoggedResponse, ResponseReader

# The states that can be filtered for, and their names on the page.
RESPONSES = {
    "failed": "not accepted",
    "ok": "accepted (2xx)",
    "waiting": "waiting",
    "none": "not forwarded",
}


@dataclass(frozen=True, slots=True)
class ResponseState:
    """What the application responded to a recording. status: None without a response, then problem says why.

    waiting_in: as in `LoggedResponse`.
    """

    status: int | None
    problem: str
    waiting_in: int

    @property
    def is_accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def kind(self) -> Literal["ok", "failed", "waiting"]:
        if self.waiting_in and is_alive(self.waiting_in):
            return "waiting"
        return "ok" if self.is_accepted else "failed"

    @property
    def words(self) -> str:
        """A word or two for a list."""
        if self.status is not None:
            return str(self.status)
        return "waiting" if self.kind == "waiting" else "not sent" if self.waiting_in else "no response"

    def matches(self, wanted: str) -> bool:
        """Whether this is the wanted state: one of RESPONSES, or an HTTP status."""
        return wanted in (self.kind, str(self.status))


@dataclass(slots=True)
class Responses:
    """The state of each recording. For any thread. directory: that of the log, None without one.

    replayed: the recordings with a response to a replay.
    """

    directory: Path | None = None
    replayed: set[str] = field(default_factory=set, repr=False)
    _reader: ResponseReader | None = None
    _states: dict[str, ResponseState] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def refresh(self) -> None:
        """Read what was logged since the last call."""
        if self.directory is None:
            return
        with self._lock:
            self._reader = self._reader or ResponseReader(self.directory)
            for entry in self._reader.new_entries():
                if entry.replay:
                    self.replayed.add(entry.file)
                known = self._states.get(entry.file)
                if known is None or not known.is_accepted:  # as in `missed`
                    self._states[entry.file] = _state(entry.status, entry.problem, entry.waiting_in)

    def state(self, key: str) -> ResponseState | None:
        """The state of a recording; None for one that was not to be forwarded, or so long ago that it is forgotten."""
        return self._states.get(key)

    def message_state(self, keys: Collection[str]) -> ResponseState | None:
        """The state of a message: that of its newest receipt that was not accepted, else of the newest.

        keys: of its receipts, oldest first.
        """
        states = [state for state in map(self.state, keys) if state]
        return next((state for state in states[::-1] if state.kind != "ok"), states[-1] if states else None)

    def match(self, keys: Collection[str], wanted: str) -> bool:
        """Whether a receipt of a message has the wanted state, see `ResponseState.matches`; `none`: all have none."""
        states = [state for state in map(self.state, keys) if state]
        return not states if wanted == "none" else any(state.matches(wanted) for state in states)

    def logged(self, keys: Collection[str]) -> dict[str, list[LoggedResponse]]:
        """All that was logged about some recordings, oldest first, without what is overtaken: a wait that has ended."""
        found: dict[str, list[LoggedResponse]] = {}
        if self.directory is not None:
            for entry in ResponseReader(self.directory, frozenset(keys)).new_entries():
                found.setdefault(entry.file, []).append(entry)
        return {
            key: [entry for entry in entries if not entry.waiting_in or entry is entries[-1]]
            for key, entries in found.items()
        }


@lru_cache(maxsize=1024)  # nearly all are equal
def _state(status: int | None, problem: str, waiting_in: int) -> ResponseState:
    return ResponseState(status, problem, waiting_in)
