"""Why nothing may arrive although nothing is broken: what is known of carriers, countries and Vonage itself."""

from dataclasses import dataclass
from typing import ClassVar

from devkit.event import Event

# Sources: Vonage's support articles 204014863 (which carriers give receipts) and 115007053127 (72 hours), its guides
# "Delivery Receipts" and "Troubleshooting" of the SMS API, and its reference for the `callback` parameter.
REASONS = (
    "Carriers send receipts when they like: after seconds, hours, or never.",
    "Some report what their own network did, not what the phone did.",
    "`accepted` can be the last word: US long codes and unregistered short codes often give no more.",
    "Some destinations give none at all, such as Google Voice numbers.",
    "In the Philippines nothing comes for 72 hours, and then `expired`.",
    "After 72 hours without a final receipt Vonage itself says `expired`, and drops what the carrier says later.",
    "A message with its own `callback` has its receipts sent there, not to the account's callback.",
    "A message sent with status-report-req=false has none.",
    "An account has one callback. Another developer, or a deployment, may have set theirs meanwhile.",
    "With the Messages API chosen in the dashboard, the account sends statuses of another form instead of receipts.",
    "A trial account sends only to test numbers; other messages are refused with status 29 and have no receipt.",
)


@dataclass(frozen=True, slots=True)
class Silence(Event):
    """What is said before the doctor waits."""

    name: ClassVar[str] = "silence"
    reasons: tuple[str, ...] = REASONS
