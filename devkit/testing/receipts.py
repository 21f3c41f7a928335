"""A webhook in a test, mostly a receipt: load, make, change and sign one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from devkit.errors import FixtureError
from devkit.fixture import format as fixture
from devkit.fixture.select import select
from devkit.fixture.store import Store, samples_directory
from devkit.http.address import keep_exact
from devkit.replay import transform
from devkit.replay.new_callback import default_err_code
from devkit.testing.fields import Fields, all_changes, hide_numbers, masked
from devkit.webhook.callback import Callback, Transport, compose
from devkit.webhook.jwt import verify_token
from devkit.webhook.masking import one_line
from devkit.webhook.new_webhook import change_fields, make_receipt_fields
from devkit.webhook.receipt import (
    IdStyle,
    Unreadable,
    Webhook,
    make_message_id,
    read,
    webhook_in,
)
from devkit.webhook.signature import METHODS, Method, Signer, verify
from devkit.webhook.vocabulary import parse_transport

# Made receipts are equal in each run, and all have this message id unless the test sets another.
MOMENT = datetime(2020, 1, 1, 12, 0, 0, tzinfo=UTC)
MESSAGE_NUMBER = 0x3C7E09B15A4D2F680A0000001234567B
_NONCE = "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"
HOST = "dlr.example.com"
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


def make_receipt(
    status: str = "delivered",
    via: str = "get",
    *,
    fields: Mapping[str, object] | None = None,
    id_style: IdStyle = "uuid",
    **named: object,
) -> SampleWebhook:
    """A receipt as Vonage would send it, equal in each run.

    via: the transport, `get`, `form` or `json`; the dashboard's GET, POST and POST-JSON work too.
    id_style: of its message id, `hex` for the 16 characters of before 2022.
    named: fields by their Python names, such as err_code, message_id, client_ref. fields: by the vendor's
    names, or any other names. None removes a field.
    The err-code is 0 for accepted, buffered and delivered, and 1 (unknown) for any other status.
    Raises TypeError for an unknown name, ValueError for an unknown `via` or id_style.
    """
    message_id = make_message_id(MESSAGE_NUMBER, id_style)
    default = make_receipt_fields(status, default_err_code(status), message_id=message_id, pushed_at=MOMENT)
    made = changed(default, all_changes("sms-receipt", fields, named))
    return SampleWebhook(compose(made, parse_transport(via), host=HOST), name=status)


def changed(fields: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """The fields after the changes, in Vonage's order, others last. None removes a field."""
    removed = {name for name, value in changes.items() if value is None}
    return change_fields(fields, changes, removed)


def with_fields(
    receipt: SampleWebhook, *, fields: Mapping[str, object] | None = None, **named: object
) -> SampleWebhook:
    """The receipt with some fields changed; None removes one. Names as for the function that makes one.

    In JSON, a name with dots in `fields` is inside an object: {"error.title": 1240}.

    All else stays unchanged, byte for byte. So does `sig`, which is wrong then: see `resign`.
    Raises TypeError for an unknown name, ValueError when the callback has no readable receipt.
    """
    _require_receipt(receipt)
    changes = all_changes(receipt.kind, fields, named)
    values = {name: value for name, value in changes.items() if value is not None}
    return _with(receipt, transform.set_fields(receipt.callback, values, changes.keys() - values.keys()))


def resign(
    receipt: SampleWebhook, secret: str, method: Method = "md5hash", *, now: datetime | None = None
) -> SampleWebhook:
    """The receipt signed with this secret. HMACs are upper-case, as in Vonage's samples.

    A webhook of the Messages API gets a token for its body, whatever the method; one without a token gets one of now.
    now: refreshes the times first, for code that checks the age of `timestamp` or of the token.
    Raises ValueError when the callback has no readable receipt.
    """
    _require_receipt(receipt)
    signer = Signer(secret, method)
    moment = now or (MOMENT if receipt.kind.startswith("sms-") else datetime.now(UTC))
    refreshed = transform.refresh(
        receipt.callback, moment, lambda: _NONCE, times=now is not None, signer=signer
    )
    return _with(receipt, refreshed)


def resigned_if_valid(receipt: SampleWebhook, former: str, secret: str, method: Method) -> SampleWebhook:
    """The receipt, signed with `secret` if its signature is valid with the former secret; else unchanged.

    So valid receipts stay valid under another secret, and forged ones stay invalid.
    """
    callback = receipt.callback
    is_valid = any(verify(receipt.fields, former, known) == "valid" for known in METHODS)
    if is_valid or verify_token(callback.headers, callback.body, former, None):
        return resign(receipt, secret, method)
    return receipt


def _require_receipt(receipt: SampleWebhook) -> None:
    if receipt.kind == "unreadable":
        raise ValueError(f"{receipt.name} holds no receipt. {receipt.problem}")


def _with(receipt: SampleWebhook, callback: Callback) -> SampleWebhook:
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
