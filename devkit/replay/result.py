"""The results of a replay: of each receipt, of all of them, and which HTTP status is a success."""

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from devkit.errors import UsageError
from devkit.events import Event

ReplayOutcome = Literal["ok", "failed", "unreachable"]


@dataclass(frozen=True, slots=True)
class Replayed(Event):
    """A receipt was sent, or could not be. The fields about the receipt are those of `schedule.Identity`.

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
    err_code: str = ""
    recorded_at: str = ""


@dataclass(frozen=True, slots=True)
class ReplaySummary(Event):
    """How many receipts had which outcome. failed: an unexpected response, or none after the receipt was sent."""

    name: ClassVar[str] = "summary"
    ok: int = 0
    failed: int = 0
    unreachable: int = 0

    @property
    def exit_code(self) -> int:
        """4 when the target was unreachable, even once: other failures may follow from that. Else 1 or 0."""
        return 4 if self.unreachable else 1 if self.failed else 0

    def __str__(self) -> str:
        return f"replay: {self.ok} ok, {self.failed} failed, {self.unreachable} unreachable"


Expectation = tuple[str, ...]  # the HTTP statuses that are ok, such as `204` or `2xx`, in lower case


def is_expected(status: int, expectation: Expectation) -> bool:
    return f"{status}" in expectation or f"{status // 100}xx" in expectation


def parse_expectation(text: str) -> Expectation:
    """An expectation from the command line, such as `2xx`, `204` or `200,4xx`. Raises UsageError."""
    patterns = tuple(part.strip().lower() for part in text.split(","))
    if not all(re.fullmatch(r"[1-5](?:xx|[0-9]{2})", pattern, re.ASCII) for pattern in patterns):
        raise UsageError(
            f"Not an HTTP status to expect: {text!r}.", hint="Use --expect 2xx or --expect 200,204"
        )
    return patterns


def advice(status: int, *, old_signature: bool) -> str:
    """What to try after an unexpected status."""
    if 300 <= status < 400:
        return "Redirects are not followed: give the final address with --to"
    if status in (404, 405):
        return "Give the path of your handler with --path /your/path, or another transport with --as"
    if old_signature and 400 <= status < 500:
        return "The receipt has an old signature and time: renew both with --now --resign"
    return "Look at the log of the program that answered."
