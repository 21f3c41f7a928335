"""Keeps webhooks on the relay's engine, where a session has files.

Those that arrive together become one pipeline, and each is answered 200 when it has its id. An engine that does not
answer must not hold the receiver's one thread: the wait is short, and then all is 503 until the engine answers again.
A write is never repeated.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from devkit.errors import RelayError, StoreError
from devkit.fixture.store import NewRecording
from devkit.relay.cipher import Cipher
from devkit.relay.entry import entry_of
from devkit.relay.member import owner
from devkit.relay.stream import Engine, EntryFields
from devkit.webhook.receipt import webhook_in


@dataclass(frozen=True, slots=True)
class RelayStore:
    """A store for a recorder. receiver: the name of this one. team_token: with it, callback paths tell the owner."""

    engine: Engine
    cipher: Cipher
    receiver: str
    team_token: str = field(repr=False)

    def record_all(self, recordings: Sequence[NewRecording]) -> list[str | StoreError]:
        """Keep webhooks that arrived together, as one group; the id of each entry, or why it is not kept."""
        entries = [self._entry(recording) for recording in recordings]
        return [
            _not_kept(result) if isinstance(result, RelayError) else result
            for result in self.engine.append(entries)
        ]

    def _entry(self, recording: NewRecording) -> EntryFields:
        fixture, reading = recording
        who = owner(fixture.callback, webhook_in(reading).client_ref, self.team_token)
        entry = entry_of(fixture, reading, who=who, receiver=self.receiver, cipher=self.cipher)
        return entry.as_fields()


def _not_kept(error: RelayError) -> StoreError:
    return StoreError(
        f"A receipt could not be kept. {error.message}", hint=f"Vonage will send it again. {error.hint}"
    )
