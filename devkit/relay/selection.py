"""Which of the relay's receipts a follower keeps: its own, those that nobody claims, or all."""

from dataclasses import dataclass
from typing import Literal

from devkit.relay.entry import RelayEntry

Choice = Literal["mine-and-unclaimed", "mine", "all"]
Owner = Literal["mine", "unclaimed", "others"]


@dataclass(frozen=True, slots=True)
class Selection:
    """The receipts that a follower keeps. who: the member that it follows for.

    message_ids: of these messages only, also of those of other members; empty for any.
    """

    who: str
    choice: Choice = "mine-and-unclaimed"
    message_ids: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """Under which its position is kept. Each choice has its own: what one leaves out, another must still read."""
        return {"mine-and-unclaimed": self.who, "mine": f"{self.who} --mine", "all": "--all"}[self.choice]

    def owner(self, entry: RelayEntry) -> Owner:
        """Whose an entry is. What `ada` started under a name such as `ada.laptop` is hers too."""
        if not entry.who:
            return "unclaimed"
        name, _, part = entry.who.partition(".")
        return "mine" if entry.who == self.who or (part and name == self.who) else "others"

    def takes(self, entry: RelayEntry) -> bool:
        """Whether an entry is kept."""
        if self.message_ids:
            return entry.message_id in self.message_ids
        owner = self.owner(entry)
        return self.choice == "all" or owner == "mine" or (owner == "unclaimed" and self.choice != "mine")
