"""What becomes of a message: the recipient decides, as with test card numbers. A table, no clock.

The numbers are of Ofcom's range for drama (447700900000-447700900999): nobody has them, nobody will.
"""

from dataclasses import dataclass

from devkit.errors import ConfigurationError

HOUR = 3600.0
EXPIRY = 72 * HOUR  # without a final receipt Vonage says `expired` (support article 115007053127)


@dataclass(frozen=True, slots=True)
class Pace:
    """When a status is reached, in seconds after sending. Real carriers take longer: up to days."""

    accepted: float = 0.3
    buffered: float = 1.0
    final: float = 2.0

    def __post_init__(self) -> None:
        """Raises ConfigurationError."""
        if not all(0 <= after <= EXPIRY for after in (self.accepted, self.buffered, self.final)):
            raise ConfigurationError(
                "'pace' of the simulator must be seconds from 0 to 72 hours.", hint='Say {"final": 2}.'
            )


@dataclass(frozen=True, slots=True)
class Step:
    """A receipt that is due. after: seconds since sending. copies: how often it is pushed."""

    after: float
    status: str
    err_code: str = "0"
    copies: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """The receipts of one part, in the order in which they are pushed.

    early: the first is pushed, and answered, before the send call gets its answer.
    """

    steps: tuple[Step, ...]
    early: bool = False


_FAILURES = frozenset({*range(1, 16), *range(50, 55), 99})
_REJECTIONS = frozenset({6, 14, *range(50, 55)})
_PREFIX = "4477009000"


def outcome(recipient: str, *, pace: Pace, ttl: float = EXPIRY) -> Outcome:
    """The receipts that this recipient promises. ttl: seconds after which an undelivered message expires."""
    code = _failure_code(recipient)
    if code is not None:
        status = "rejected" if code in _REJECTIONS else "failed"
        return Outcome((Step(pace.accepted, "accepted"), Step(pace.final, status, str(code))))
    special = _special(pace, min(ttl, EXPIRY)).get(recipient)
    return special or Outcome(
        (
            Step(pace.accepted, "accepted"),
            Step(pace.buffered, "buffered"),
            Step(pace.final, "delivered"),
        )
    )


def _failure_code(recipient: str) -> int | None:
    tail = recipient.removeprefix(_PREFIX)
    if len(tail) == 2 and tail.isdecimal() and int(tail) in _FAILURES:
        return int(tail)
    return None


def _special(pace: Pace, expiry: float) -> dict[str, Outcome]:
    return {
        "447700900100": Outcome((Step(pace.accepted, "accepted"),)),
        # The err-code of `expired` and `unknown` is not documented, only that it is not 0.
        "447700900101": Outcome((Step(expiry, "expired", "1"),)),
        "447700900102": Outcome((Step(pace.final, "delivered", copies=2),)),
        "447700900103": Outcome((Step(pace.buffered, "delivered"), Step(pace.final, "accepted"))),
        "447700900104": Outcome((Step(0, "delivered"),), early=True),
        "447700900105": Outcome(()),
        "447700900106": Outcome((Step(pace.final, "unknown", "1"),)),
    }
