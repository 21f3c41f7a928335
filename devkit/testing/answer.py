"""What code under test answered to a receipt."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Answer:
    """status: the HTTP status. value: what a plain function returned, None for all that speak HTTP."""

    status: int
    body: bytes = field(default=b"", repr=False)
    value: object = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        """Whether Vonage takes it for a success and does not send the receipt again."""
        return 200 <= self.status <= 205  # "any 200-205": Vonage's documentation, concepts/webhooks
