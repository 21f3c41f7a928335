"""The results of a replay: an event for each receipt, a summary, and what to try next. Pure."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar, Literal

from devkit.errors import UsageError
from devkit.events import Event

ReplayOutcome = Literal["ok", "failed", "unreachable"]

_PATTERN = re.compile(r"[1-5](?:xx|[0-9]{2})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Replayed(Event):
    """A receipt was sent, or could not be. file: where it is from, empty for a triggered one.

    answer: the HTTP status, null when none came; then problem says why. ms: from the first byte sent to the
    last byte read, null without an answer. hint: what to try when it was not ok.
    sent_again: a connection that was used before ended before an answer began, so the receipt was sent a second time,
    on a new one. Answer and ms are those of the second time.
    """

    name: ClassVar[str] = "replayed"
    file: str
    message_id: str
    status: str
    outcome: ReplayOutcome
    answer: int | None
    ms: float | None
    problem: str = ""
    hint: str = ""
    sent_again: bool = False


@dataclass(frozen=True, slots=True)
class Planned(Event):
    """A receipt would be sent, `due` seconds from the start, in so many bytes. path: without the query."""

    name: ClassVar[str] = "planned"
    file: str
    message_id: str
    status: str
    method: str
    path: str
    bytes: int
    due: float


@dataclass(frozen=True, slots=True)
class ReplaySummary(Event):
    """How many receipts met which end. Failed: another answer than expected, or none after it was sent."""

    name: ClassVar[str] = "summary"
    ok: int
    failed: int
    unreachable: int

    @property
    def exit_code(self) -> int:
        """4 when the target could not be reached, even once: what else failed may follow from it. Else 1 or 0."""
        return 4 if self.unreachable else 1 if self.failed else 0

    def __str__(self) -> str:
        return f"replay: {self.ok} ok, {self.failed} failed, {self.unreachable} unreachable"


def summarise(outcomes: Counter[ReplayOutcome]) -> ReplaySummary:
    """The summary of counted outcomes."""
    return ReplaySummary(outcomes["ok"], outcomes["failed"], outcomes["unreachable"])


@dataclass(frozen=True, slots=True)
class Expectation:
    """The answers that are right. patterns: such as `2xx` or `204`, in lower case."""

    patterns: tuple[str, ...] = ("2xx",)

    def allows(self, status: int) -> bool:
        words = f"{status}", f"{status // 100}xx"
        return any(pattern in words for pattern in self.patterns)


def parse_expectation(text: str) -> Expectation:
    """An expectation from the command line: `2xx`, `204`, `200,4xx`. Raises UsageError."""
    patterns = tuple(part.strip().lower() for part in text.split(","))
    if not all(_PATTERN.fullmatch(pattern) for pattern in patterns):
        raise UsageError(
            f"Not an HTTP status to expect: {text!r}.", hint="Use --expect 2xx or --expect 200,204"
        )
    return Expectation(patterns)


def advice(status: int, *, old_signature: bool) -> str:
    """What to type next after an answer that was not expected."""
    if 300 <= status < 400:
        return "Redirects are not followed: name the final address with --to"
    if status in (404, 405):
        return "Name the path of your handler with --path /your/path, and another transport with --as"
    if old_signature and 400 <= status < 500:
        return "The receipt bears an old signature and time: make both fresh with --now --resign"
    return "Look at the log of the program that answered."
