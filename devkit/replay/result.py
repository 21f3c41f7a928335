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

    answer: the HTTP status; null without a response, then problem says why. ms: from the first byte sent to the
    last byte read; null without a response. hint: what to try when the outcome is not ok.
    sent_again: the receipt was sent a second time, because the connection was closed before a response began, see
    `http.client.Connection`. answer and ms are those of the second time.
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
    """A receipt would be sent. bytes: of the request. path: without the query. due: seconds from the start."""

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
    """How many receipts had which outcome. failed: an unexpected response, or none after the receipt was sent."""

    name: ClassVar[str] = "summary"
    ok: int
    failed: int
    unreachable: int

    @property
    def exit_code(self) -> int:
        """4 when the target was unreachable, even once: other failures may follow from that. Else 1 or 0."""
        return 4 if self.unreachable else 1 if self.failed else 0

    def __str__(self) -> str:
        return f"replay: {self.ok} ok, {self.failed} failed, {self.unreachable} unreachable"


def summarise(outcomes: Counter[ReplayOutcome]) -> ReplaySummary:
    """The summary of counted outcomes."""
    return ReplaySummary(outcomes["ok"], outcomes["failed"], outcomes["unreachable"])


@dataclass(frozen=True, slots=True)
class Expectation:
    """Which HTTP statuses are ok. patterns: such as `2xx` or `204`, in lower case."""

    patterns: tuple[str, ...] = ("2xx",)

    def allows(self, status: int) -> bool:
        words = f"{status}", f"{status // 100}xx"
        return any(pattern in words for pattern in self.patterns)


def parse_expectation(text: str) -> Expectation:
    """An expectation from the command line, such as `2xx`, `204` or `200,4xx`. Raises UsageError."""
    patterns = tuple(part.strip().lower() for part in text.split(","))
    if not all(_PATTERN.fullmatch(pattern) for pattern in patterns):
        raise UsageError(
            f"Not an HTTP status to expect: {text!r}.", hint="Use --expect 2xx or --expect 200,204"
        )
    return Expectation(patterns)


def advice(status: int, *, old_signature: bool) -> str:
    """What to try after an unexpected status."""
    if 300 <= status < 400:
        return "Redirects are not followed: give the final address with --to"
    if status in (404, 405):
        return "Give the path of your handler with --path /your/path, or another transport with --as"
    if old_signature and 400 <= status < 500:
        return "The receipt has an old signature and time: renew both with --now --resign"
    return "Look at the log of the program that answered."
