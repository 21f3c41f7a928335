"""A webhook in a test, mostly a receipt: load and change one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from devkit.errors import FixtureError
from devkit.fixture import format as fixture
from devkit.fixture.select import select
from devkit.fixture.store import Store, samples_directory
from devkit.http.address import keep_exact
from devkit.replay.transform import set_fields
from devkit.testing.fields import Fields, hide_numbers, masked, read_changes
from devkit.webhook.callback import Callback, Transport
from devkit.webhook.masking import one_line
from devkit.webhook.receipt import Unreadable, Webhook, read, webhook_in

# Of all made receipts, so that they are equal in each run.
MOMENT = datetime(2020, 1, 1, 12, 0, 0, tzinfo=UTC)
_SHOWN = {
    "sms-inbound": ("", "messageId"),
    "messages-status": ("error", "message_uuid"),
    "messages-inbound": ("", "message_uuid"),
}


@dataclass(frozen=True, slots=True, repr=False)
class SampleWebhook:
    """A callback and the receipt, status or inbound message in it.

    name: of its file, without `.json`, or the status of a made receipt. recorded_at: UTC; a fixed time for all
    made receipts.
    """

    callback: Callback
    name: str = "receipt"
    recorded_at: datetime = MOMENT

    def __repr__(self) -> str:
        code, message_name = _SHOWN.get(self.kind, ("err-code", "messageId"))
        error = f" {code}={self.err_code or '-'}" if code else ""
        content = self.problem or f"{self.status}{error}"
        message_id = masked("messageId", one_line(self.message_id, 40))
        message = f" {message_name}={message_id}" if self.message_id else ""
        return f"<SampleWebhook {hide_numbers(self.name)}: {hide_numbers(one_line(content))}{message} via {self.via}>"

    @property
    def reading(self) -> Webhook | Unreadable:
        return read(self.callback)

    @property
    def kind(self) -> str:
        """The kind of the webhook; `sms-receipt` for a receipt, `unreadable` when it cannot be read."""
        return self.reading.kind

    @property
    def fields(self) -> Fields:
        """The received fields, under the vendor's names; empty when there is no readable receipt."""
        return Fields(self._receipt.fields)

    @property
    def problem(self) -> str:
        """Why there is no readable receipt; empty when there is one."""
        return self.reading.problem

    @property
    def status(self) -> str:
        return self._receipt.status

    @property
    def err_code(self) -> str:
        return self._receipt.err_code

    @property
    def message_id(self) -> str:
        return self._receipt.message_id

    @property
    def client_ref(self) -> str:
        return self._receipt.client_ref

    @property
    def via(self) -> Transport:
        """The transport: `get`, `form` or `json`."""
        return self.callback.transport

    @property
    def _receipt(self) -> Webhook:
        return webhook_in(self.reading)


def with_fields(
    receipt: SampleWebhook, *, fields: Mapping[str, object] | None = None, **named: object
) -> SampleWebhook:
    """The receipt with some fields changed; None removes one. Names as for the function that makes one.

    In JSON, a name with dots in `fields` is inside an object: {"error.title": 1240}.

    All else stays unchanged, byte for byte. So does `sig`, which is wrong then: see `resign`.
    Raises TypeError for an unknown name, ValueError when the callback has no readable receipt.
    """
    require_readable(receipt)
    return with_callback(receipt, set_fields(receipt.callback, *read_changes(receipt.kind, fields, named)))


def require_readable(receipt: SampleWebhook) -> None:
    """Raise ValueError when the callback has no readable receipt."""
    if receipt.kind == "unreadable":
        raise ValueError(f"{receipt.name} holds no receipt. {receipt.problem}")


def with_callback(receipt: SampleWebhook, callback: Callback) -> SampleWebhook:
    """The receipt with another callback, whose Content-Length is set to fit the body."""
    return replace(receipt, callback=keep_exact(callback))


def load(name: str | Path, directories: Sequence[Path] = ()) -> SampleWebhook:
    """The receipt in one fixture file. Raises FixtureError, also when the name matches several files.

    name: a path, or the name of a file with or without `.json` (`delivered`). It is searched for in the directories
    in turn, and then among the samples that come with devkit.
    """
    found = load_all(name, directories)
    if len(found) > 1:
        names = ", ".join(receipt.name for receipt in found[:4])
        raise FixtureError(f"{str(name)!r} means {len(found)} fixtures: {names}, ...", hint="Use load_all.")
    return found[0]


def load_all(pattern: str | Path, directories: Sequence[Path] = ()) -> list[SampleWebhook]:
    """The receipts in all files that match, in name order. Raises FixtureError when there are none.

    pattern: as for `load`, or a directory (a sequence), or with `*`, `?`, `[...]` and `**`.
    Only the first directory with a match is used.
    """
    if isinstance(pattern, Path):
        return [_load(path, pattern.parent) for path in _select(str(pattern.absolute()), Path())]
    places = (*directories, samples_directory())
    hint = ""
    for place in places:
        for name in (pattern, f"{pattern}.json"):  # names have no `.json`, and `*-form` is a pattern of names
            try:
                paths = _select(name, place)
            except FixtureError as error:
                hint = hint or error.hint
            else:
                return [_load(path, place) for path in paths]
    where = ", ".join(map(str, directories)) or "devkit's samples"
    raise FixtureError(f"No fixture named {pattern!r} in {where}.", hint=hint)


def _select(pattern: str, place: Path) -> list[Path]:
    return select(Store(place), [pattern], here=place, packaged=place)


def _load(path: Path, place: Path) -> SampleWebhook:
    read_fixture = fixture.load(path)
    inside = path.relative_to(place) if path.is_relative_to(place) else Path(path.name)
    return SampleWebhook(read_fixture.callback, inside.with_suffix("").as_posix(), read_fixture.recorded_at)
