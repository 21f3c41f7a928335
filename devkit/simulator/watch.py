"""What happens in a simulator, for those who look on."""

from collections.abc import Callable
from dataclasses import dataclass

from devkit.simulator.account import Account
from devkit.simulator.ledger import Delivery, Message
from devkit.simulator.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Distrust:
    """A program broke a TLS handshake off. reason: what the TLS library calls it."""

    reason: str


# An Account is told after its settings were changed.
Happening = Message | Delivery | Refusal | Account | Distrust

# Called in the thread in which it happens, which it must not hold up.
Watch = Callable[[Happening], None]


def each_distrust_once(watch: Watch) -> Watch:
    """Passes everything on, but each reason for distrust only once: a program may try again and again."""
    told: set[Distrust] = set()

    def pass_on(happening: Happening) -> None:
        if isinstance(happening, Distrust):
            if happening in told:
                return
            told.add(happening)
        watch(happening)

    return pass_on


def look_away(_: Happening) -> None:
    """Watch nothing."""
