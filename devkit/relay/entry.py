"""An entry of the relay's stream: one webhook. In clear are only its owner, message id, status and time."""

from dataclasses import dataclass, field

from devkit.errors import FixtureError, RelayError
from devkit.fixture.format import Fixture, dumps, format_time, loads
from devkit.relay.cipher import Cipher
from devkit.relay.stream import EntryFields
from devkit.webhook.masking import one_line
from devkit.webhook.receipt import Unreadable, Webhook, webhook_in

VERSION = b"1"
_MAX_TEXT = 100  # characters of a foreign text in clear


@dataclass(frozen=True, slots=True)
class RelayEntry:
    """One webhook as the engine keeps it.

    who: its owner, empty when nobody claims it. message_id, status: as the webhook says, on one line.
    recorded_at: UTC, as in fixtures. receiver: the name of the receiver that took it. key_id: of the key that
    encrypted the payload, empty for none. payload: the bytes of the fixture file, compressed and encrypted.
    """

    who: str
    message_id: str
    status: str
    recorded_at: str
    receiver: str
    key_id: str
    payload: bytes = field(repr=False)

    def as_fields(self) -> dict[bytes, bytes]:
        """As the engine gets it. The names are short, because each entry has them."""
        return {
            b"v": VERSION,
            b"who": self.who.encode(),
            b"id": self.message_id.encode(),
            b"s": self.status.encode(),
            b"at": self.recorded_at.encode(),
            b"rx": self.receiver.encode(),
            b"k": self.key_id.encode(),
            b"f": self.payload,
        }


def entry_of(
    fixture: Fixture, reading: Webhook | Unreadable, *, who: str, receiver: str, cipher: Cipher
) -> RelayEntry:
    """The entry for a webhook. reading: what it says."""
    webhook = webhook_in(reading)
    message_id, status = one_line(webhook.message_id, _MAX_TEXT), one_line(webhook.status, _MAX_TEXT)
    at = format_time(fixture.recorded_at)
    payload = cipher.encrypt(dumps(fixture, reading), _bound(who, message_id, status, at))
    return RelayEntry(who, message_id, status, at, receiver, cipher.key_id, payload)


def parse_entry(entry_id: str, fields: EntryFields) -> RelayEntry:
    """The entry in the fields of the stream. Raises RelayError, with the entry's id in its message."""
    if (version := fields.get(b"v")) != VERSION:
        newer = one_line((version or b"none").decode("utf-8", "replace"), 20)
        raise RelayError(
            f"The relay's entry {entry_id} has the version {newer}, and this devkit reads version 1.",
            hint="Upgrade devkit, or skip the entry: devkit follow --skip",
        )
    who, message_id, status, at, receiver, key_id = (
        fields.get(name, b"").decode("utf-8", "replace") for name in (b"who", b"id", b"s", b"at", b"rx", b"k")
    )
    return RelayEntry(who, message_id, status, at, receiver, key_id, fields.get(b"f", b""))


def file_of(entry_id: str, entry: RelayEntry, cipher: Cipher) -> tuple[Fixture, bytes]:
    """The fixture of an entry, and the bytes of its file. Raises RelayError, with the entry's id in its message."""
    try:
        bound = _bound(entry.who, entry.message_id, entry.status, entry.recorded_at)
        data = cipher.decrypt(entry.key_id, entry.payload, bound)
        return loads(data, f"entry {entry_id}"), data
    except (RelayError, FixtureError) as error:
        raise RelayError(
            f"The relay's entry {entry_id} cannot be read: {error.message}.", hint=error.hint
        ) from error


def _bound(*texts: str) -> bytes:
    """What is in clear beside the payload, so that nobody can change it unnoticed."""
    return b"\0".join([VERSION, *(text.encode() for text in texts)])
