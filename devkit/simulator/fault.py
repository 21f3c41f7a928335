"""Faults that a test can switch on: what goes wrong with the next calls, and how it looks on the wire."""

from dataclasses import dataclass

from devkit.errors import ConfigurationError

MAX_SECONDS = 60

# What a fault of the settings API does. 420 and 200-with-an-error were seen from this service;
# the bodies of the others are of the documented shapes.
SETTINGS_FAULTS: dict[str, str] = {
    "unauthorized": "401 with error-code and error-code-label",
    "unauthorized-problem": "401 as problem+json, as the newer gateway says it",
    "forbidden": "403",
    "refused": "420, whatever the callback URL answers",
    "rate-limited": "429",
    "server-error": "500",
    "unavailable": "503",
    "error-in-200": "200 with an error-code in the body; nothing is saved",
    "html": "200 with an HTML page; nothing is saved",
    "empty": "200 with an empty body; nothing is saved",
    "unchanged": "200 with the settings as they were; nothing is saved",
    "hang-up": "the connection is closed without an answer; nothing is saved",
    "hang-up-after": "saved, then the connection is closed without an answer",
    "slow": "saved and answered, after `seconds`",
}

# send-CODE: the next send calls are answered with this status of the SMS API.
SEND_CODES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 22, 23, 29, 32, 33)
SEND_FAULTS: dict[str, int] = {f"send-{code}": code for code in SEND_CODES}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault by name, of SETTINGS_FAULTS or SEND_FAULTS.

    times: how many calls it hits, None for all until the next reset.
    seconds: how long `slow` takes, in real time.
    """

    name: str
    times: int | None = None
    seconds: float = 5.0

    def __post_init__(self) -> None:
        """Raises ConfigurationError."""
        if self.name not in SETTINGS_FAULTS and self.name not in SEND_FAULTS:
            names = ", ".join((*SETTINGS_FAULTS, "send-CODE"))
            raise ConfigurationError(f"There is no fault {self.name!r}.", hint=f"There are: {names}.")
        if (self.times is not None and self.times < 1) or not 0 <= self.seconds <= MAX_SECONDS:
            raise ConfigurationError(
                f"The fault {self.name!r} needs at least one time, and at most {MAX_SECONDS} seconds.",
                hint='For example {"name": "slow", "times": 1, "seconds": 5}',
            )
