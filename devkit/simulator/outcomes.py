"""The outcome of a message. The recipient selects it, as test card numbers do."""

from dataclasses import dataclass, replace
from decimal import Decimal

from devkit.errors import ConfigurationError
from devkit.webhook.receipt import reason
from devkit.webhook.vocabulary import messages_outcome


@dataclass(frozen=True, slots=True)
class Network:
    """A mobile network. code: MCCMNC, or a name. price: of one part, EUR.

    offset: of `scts` in final receipts, from UTC, in seconds.
    """

    code: str
    price: Decimal
    offset: int = 0


# Final receipts have `scts` in UTC for US, Ukrainian and Lebanese numbers, and in local time for British and Danish
# ones (captures, each named in docs/vonage.md). No document states the rule.
# The offsets stay the same all year: in winter the offset of a UK carrier would be 0, and hide the pitfall.
NETWORKS: dict[str, Network] = {
    "1": Network("310004", Decimal("0.00845000")),
    "31": Network("20404", Decimal("0.07040000")),
    "33": Network("20801", Decimal("0.05890000")),
    "34": Network("21407", Decimal("0.05530000")),
    "353": Network("27201", Decimal("0.05670000")),
    "44": Network("23410", Decimal("0.03330000"), 1 * 3600),
    "45": Network("23820", Decimal("0.01820000"), 2 * 3600),
    "49": Network("26201", Decimal("0.07260000")),
    "61": Network("50501", Decimal("0.04120000")),
    "63": Network("51502", Decimal("0.03570000")),
    "65": Network("52501", Decimal("0.03880000")),
    "91": Network("40445", Decimal("0.02660000")),
    # A name instead of a code (Vonage's tutorial "How to Send SMS Messages with Node.js and Express").
    "447700900107": Network("US_VIRTUAL_BANDWIDTH", Decimal("0.00845000")),
}
_ELSEWHERE = Network("99999", Decimal("0.05000000"))
_LONGEST = max(map(len, NETWORKS))


def network(number: str) -> Network:
    """The network of a number, by its longest known prefix."""
    prefixes = (number[:length] for length in range(_LONGEST, 0, -1))
    return next((NETWORKS[prefix] for prefix in prefixes if prefix in NETWORKS), _ELSEWHERE)


HOUR = 3600.0
EXPIRY = 72 * HOUR  # without a final receipt, Vonage sends `expired` (support article 115007053127)


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds from sending to each status. Real carriers take longer: up to days."""

    accepted: float = 0.3
    buffered: float = 1.0
    final: float = 2.0

    def __post_init__(self) -> None:
        """Raises ConfigurationError."""
        if not all(0 <= after <= EXPIRY for after in (self.accepted, self.buffered, self.final)):
            raise ConfigurationError(
                "'delays' of the simulator must be from 0 seconds to 72 hours.",
                hint='For example {"final": 2}.',
            )


@dataclass(frozen=True, slots=True)
class OutcomeStep:
    """One receipt of an outcome. after: seconds since sending. copies: how many times it is pushed."""

    after: float
    status: str
    err_code: str = "0"
    copies: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """The receipts of one part, or the statuses of one message, in the order in which they are pushed.

    early: the first is pushed, and answered, before the send call is answered.
    one_timestamp: all say that they happened at the same time.
    """

    steps: tuple[OutcomeStep, ...]
    early: bool = False
    one_timestamp: bool = False


_FAILURES = frozenset({*range(1, 16), *range(50, 55), 99})
_REJECTIONS = frozenset({6, 14, *range(50, 55)})
_PREFIX = "4477009000"


def outcome(recipient: str, delays: Delays, ttl: float) -> Outcome:
    """The receipts for a recipient. ttl: seconds until an undelivered message expires."""
    accepted = OutcomeStep(delays.accepted, "accepted")
    code = _failure_code(recipient)
    if code is not None:
        status = "rejected" if code in _REJECTIONS else "failed"
        return Outcome((accepted, OutcomeStep(delays.final, status, str(code))))
    special = {
        "447700900100": Outcome((accepted,)),
        # The err-code of `expired` and `unknown` is not documented, only that it is not 0.
        "447700900101": Outcome((OutcomeStep(min(ttl, EXPIRY), "expired", "1"),)),
        "447700900102": Outcome((OutcomeStep(delays.final, "delivered", copies=2),)),
        "447700900103": Outcome(
            (OutcomeStep(delays.buffered, "delivered"), OutcomeStep(delays.final, "accepted"))
        ),
        "447700900104": Outcome((OutcomeStep(0, "delivered"),), early=True),
        "447700900105": Outcome(()),
        "447700900106": Outcome((OutcomeStep(delays.final, "unknown", "1"),)),
    }
    usual = Outcome(
        (accepted, OutcomeStep(delays.buffered, "buffered"), OutcomeStep(delays.final, "delivered"))
    )
    return special.get(recipient, usual)


TRIAL_ERROR = "1160"  # of a message to a recipient that is not verified


def outcome_of_messages(recipient: str, delays: Delays, ttl: float) -> Outcome:
    """The statuses of a message of the Messages API. ttl: as in `outcome`."""
    if recipient == "447700900108":  # the Messages API could not reach the provider
        return Outcome((OutcomeStep(delays.final, "undeliverable", "1100"),))
    of_sms = outcome(recipient, delays, ttl)
    said = ((step, messages_outcome(step.status, step.err_code)) for step in of_sms.steps)
    steps = (replace(step, status=pair[0], err_code=pair[1]) for step, pair in said if pair)
    return replace(of_sms, steps=tuple(steps), one_timestamp=recipient == "447700900109")


def rejected(delays: Delays, error: str) -> Outcome:
    """A message of the Messages API that fails and is never submitted."""
    return Outcome((OutcomeStep(delays.final, "rejected", error),))


def recipients() -> dict[str, str]:
    """The recipients that select an outcome, each with its outcome in words."""
    numbers = [f"{_PREFIX}{code:02}" for code in (0, *sorted(_FAILURES))]
    numbers += [f"447700900{number}" for number in range(100, 107)]
    return {number: _words(outcome(number, Delays(), EXPIRY)) for number in numbers}


def _words(outcome: Outcome) -> str:
    steps = [_step_words(step) for step in outcome.steps]
    if not steps:
        return "never a receipt"
    return ", ".join(steps) + (", before the send call is answered" if outcome.early else "")


def _step_words(step: OutcomeStep) -> str:
    why = reason(step.err_code, step.status)
    late = f" after {step.after / HOUR:.0f} h" if step.after >= HOUR else ""
    return f"{step.status}{f': {why}' if why else ''}{late}{' twice' if step.copies == 2 else ''}"


def _failure_code(recipient: str) -> int | None:
    tail = recipient.removeprefix(_PREFIX)
    if len(tail) == 2 and tail.isdecimal() and int(tail) in _FAILURES:
        return int(tail)
    return None


OFFLINE_RECIPIENT = "447700900000"  # the simulator answers it with accepted, buffered, delivered
