"""Networks and prices by the prefix of a number. The codes are real ones, the prices are samples.

UK and US values are those of Vonage's documentation and of captured receipts; the other prices are invented.
"""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Network:
    """code: MCCMNC, or a name. price: of one part, EUR. offset: of the carrier's clock from UTC, seconds."""

    code: str
    price: Decimal
    offset: int


# The offsets stay the same all year: in winter a UK carrier would hide the one-hour trap of `scts`
# that captures of summer show (see `fields` in `parcel`).
NETWORKS: dict[str, Network] = {
    "1": Network("310004", Decimal("0.00845000"), -4 * 3600),
    "31": Network("20404", Decimal("0.07040000"), 2 * 3600),
    "33": Network("20801", Decimal("0.05890000"), 2 * 3600),
    "34": Network("21407", Decimal("0.05530000"), 2 * 3600),
    "353": Network("27201", Decimal("0.05670000"), 1 * 3600),
    "44": Network("23410", Decimal("0.03330000"), 1 * 3600),
    "49": Network("26201", Decimal("0.07260000"), 2 * 3600),
    "61": Network("50501", Decimal("0.04120000"), 10 * 3600),
    "63": Network("51502", Decimal("0.03570000"), 8 * 3600),
    "65": Network("52501", Decimal("0.03880000"), 8 * 3600),
    "91": Network("40445", Decimal("0.02660000"), 19800),
    # A name instead of a code (Vonage's tutorial "How to Send SMS Messages with Node.js and Express").
    "447700900107": Network("US_VIRTUAL_BANDWIDTH", Decimal("0.00845000"), 0),
}
_ELSEWHERE = Network("99999", Decimal("0.05000000"), 0)
_LONGEST = max(map(len, NETWORKS))


def network(number: str) -> Network:
    """The network of a number, by the longest prefix that is known."""
    prefixes = (number[:length] for length in range(_LONGEST, 0, -1))
    return next((NETWORKS[prefix] for prefix in prefixes if prefix in NETWORKS), _ELSEWHERE)
