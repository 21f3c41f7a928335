"""Reads an inbound message of either API, and finds the commands that people send."""

from collections.abc import Mapping
from dataclasses import dataclass

from receipt import text_of

# The usual words of the United States (CTIA's Messaging Principles); other countries have others.
STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
START = frozenset({"START", "UNSTOP"})


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message, or one part of it. text: empty for a picture or binary data."""

    message_id: str
    sender: str
    text: str

    @property
    def command(self) -> str:
        """The text if it is a single word, in capitals; else empty. The word STOP in a sentence is no command."""
        word = self.text.strip().upper()
        return word if len(word.split()) == 1 else ""


def read_inbound(fields: Mapping[str, str], document: object) -> Inbound | None:
    """The inbound message in the fields, or in a JSON body; None for anything else. Neither API has a status in it."""
    if fields.get("messageId") and "status" not in fields:
        return Inbound(fields["messageId"], fields.get("msisdn", ""), fields.get("text", ""))
    if not isinstance(document, dict) or not document.get("message_uuid") or "status" in document:
        return None
    sender, text = document.get("from"), document.get("text")
    if isinstance(sender, Mapping):  # v0.1
        sender = sender.get("number") or sender.get("id")
        text = _inner(_inner(document.get("message"), "content"), "text")
    return Inbound(text_of(document["message_uuid"]), text_of(sender or ""), text_of(text or ""))


def _inner(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, Mapping) else None
