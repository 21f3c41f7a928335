"""Networks and prices by the prefix of a number. The codes are real ones, the prices are samples.

UK, US and Danish values are those of Vonage's documentation and of captured receipts; the other prices are invented.
"""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Network:
    """code: MCCMNC, or a name. price: of one part, EUR. offset: of `scts` in final receipts from UTC, seconds."""

    code: str
    price: Decimal
    offset: int = 0


# Final receipts have `scts` in UTC for US, Ukrainian and Lebanese numbers, and in local time for British and Danish
# ones (captures, each named in docs/vonage.md). No document tells the rule.
# The offsets stay the same all year: in winter a UK carrier would hide the one-hour trap.
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
    """The network of a number, by the longest prefix that is known."""
    prefixes = (number[:length] for length in range(_LONGEST, 0, -1))
    return next((NETWORKS[prefix] for prefix in prefixes if prefix in NETWORKS), _ELSEWHERE)
