"""When a receipt is pushed again. Vonage's own pages disagree, so there is a choice of two. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """delay: seconds before the next attempt, given how many there were. lifetime: seconds after the first
    attempt in which others may follow. only: the answers that are tried again, None for every failure.
    """

    name: str
    delay: Callable[[int], float]
    lifetime: float
    only: Callable[[int], bool] | None = None

    def next_delay(self, answer: int | None, attempts: int, age: float) -> float | None:
        """Seconds until the next attempt, None when there is none.

        answer: the HTTP status, None when nobody answered. age: seconds since the first attempt.
        """
        if answer is not None and (is_success(answer) or (self.only is not None and not self.only(answer))):
            return None
        delay = self.delay(attempts)
        return delay if age + delay <= self.lifetime else None


def is_success(answer: int) -> bool:
    """Whether Vonage takes the receipt for received: 200-205 (its concepts page on webhooks)."""
    return 200 <= answer <= 205


def _every_minute(attempts: int) -> float:
    return 60


def _doubling(attempts: int) -> float:
    return float(min(900, 5 * 2 ** min(attempts - 1, 10)))


def _is_temporary(answer: int) -> bool:
    return answer == 429 or answer >= 500


POLICIES: dict[str, RetryPolicy] = {
    # Support article 226572227: every 60 s, receipts for 72 h.
    "minutely": RetryPolicy("minutely", _every_minute, 72 * HOUR),
    # Support article 360028543292: only 429 and 5xx, 5 s doubling up to 15 min, for 24 h.
    "backoff": RetryPolicy("backoff", _doubling, 24 * HOUR, _is_temporary),
}
