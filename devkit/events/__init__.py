"""An event: something that happened, as a value. Each is one line of `--json`, and some lines on a terminal.

The events of a session are in `events.session`, those of other commands beside what they report.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar


class Event:
    """The base of all events, which are frozen dataclasses."""

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]]
    name: ClassVar[str]

    def as_json(self) -> dict[str, object]:
        """The JSON object: `event`, which is the name, then each field."""
        return {"event": self.name, **{field: getattr(self, field) for field in self.__match_args__}}


@dataclass(frozen=True, slots=True)
class Notice(Event):
    """Information for the user that changes nothing."""

    name: ClassVar[str] = "notice"
    text: str


Publish = Callable[[Event], None]
