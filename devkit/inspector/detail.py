"""The detail page: everything about one recording, and the comparison of two."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Literal

from devkit.errors import FixtureError
from devkit.fixture.explain import Explanation, explain
from devkit.fixture.format import Fixture, load
from devkit.fixture.response_log import LoggedResponse
from devkit.fixture.select import display_path
from devkit.inspector.context import InspectorContext
from devkit.inspector.event_log import LoggedEvent
from devkit.inspector.index import Row, key_of, part_statuses
from devkit.inspector.replay_form import Editable, editable_fields
from devkit.webhook.callback import Callback, has_token, to_wire, without_secret, without_token
from devkit.webhook.masking import mask_field, mask_numbers_in
from devkit.webhook.receipt import Webhook, webhook_in
from devkit.webhook.timeline import Moment, SentMessage, Step, Timeline, build_timeline, text_status

_OPENED = 500  # receipts of one message that its timeline reads


@dataclass(frozen=True, slots=True)
class ShownResponse:
    """A response of the application. headers, body: with masked numbers, unless numbers are shown."""

    logged: LoggedResponse
    headers: tuple[tuple[str, str], ...]
    body: str

    @property
    def is_waiting(self) -> bool:
        """Whether the receipt will still be sent."""
        return not self.logged.is_accepted and not self.logged.is_missed


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text. key: of its newest receipt, empty without one; then the status is empty too."""

    message_id: str
    status: str
    key: str


@dataclass(frozen=True, slots=True)
class Detail:
    """A recording with all receipts of its message.

    status: of the message. message: of the receipt that says how the message stands, which may be another one.
    steps: of the timeline, each with the key of its recording. left_out: how many older receipts were not read.
    answers, replays: events of this session, newest first. responses: of the application, by key, oldest first.
    raw, hex: the request, empty unless numbers are shown.
    parts: of a text that devkit sent as several, else empty. receipts: how many the message has, in all parts.
    """

    row: Row
    file: str
    explanation: Explanation
    status: str
    message: Explanation
    timeline: Timeline
    steps: tuple[tuple[str, Step], ...]
    left_out: int
    headers: tuple[tuple[str, str], ...]
    answers: tuple[LoggedEvent, ...]
    replays: tuple[LoggedEvent, ...]
    responses: Mapping[str, Sequence[ShownResponse]]
    editable: tuple[Editable, ...] = field(repr=False)
    raw: tuple[str, ...] = field(repr=False)
    hex: str = field(repr=False)
    is_sent: bool = False
    parts: tuple[Part, ...] = ()
    receipts: int = 1


def read_detail(context: InspectorContext, key: str, *, numbers: bool) -> Detail | None:
    """The detail of a recording; None when the file was deleted. Raises FixtureError for a damaged file."""
    row = context.rows.read(key)
    if row is None:
        return None
    path, options = context.rows.path(key), context.options
    fixture = load(path)
    send = context.event_log.sends().get(row.message_id)
    steps, timeline, left_out = _message(context, key, fixture, send.at if send else None)
    explain_one = partial(explain, secret=options.secret, method=options.method, numbers=numbers)
    explanation = explain_one(fixture)
    parts = _parts(context, key, send)
    status = text_status([part.status for part in parts]) if parts else timeline.status
    current = [each for each, step in steps if step.receipt.status == status]
    current = current or [part.key for part in parts if part.status == status]
    decisive = key if key in current or not current else current[-1]
    return Detail(
        row=row,
        file=display_path(path),
        explanation=explanation,
        status=status,
        message=explanation if decisive == key else explain_one(load(context.rows.path(decisive))),
        timeline=timeline,
        steps=steps,
        left_out=left_out,
        headers=tuple(_shown_headers(fixture.callback, numbers=numbers)),
        answers=_events_about(context, "forwarded", key),
        replays=_events_about(context, "replayed", key),
        responses=_responses(context, [key, *(each for each, _ in steps)], numbers),
        editable=tuple(editable_fields(fixture, numbers=numbers)),
        raw=wire_text(fixture.callback) if numbers else (),
        hex=wire_hex(fixture.callback) if numbers else "",
        is_sent=send is not None,
        parts=parts,
        receipts=len(context.index.message_of(key)),
    )


def _parts(context: InspectorContext, key: str, send: SentMessage | None) -> tuple[Part, ...]:
    """The parts of a text that devkit sent as several."""
    if send is None or len(send.parts) == 1:
        return ()
    found = context.index.parts_of(key)
    newest = [keys[-1] if keys else "" for keys in found]
    return tuple(map(Part, send.parts, part_statuses(found), newest))


def _events_about(context: InspectorContext, kind: str, key: str) -> tuple[LoggedEvent, ...]:
    kept = context.event_log.kept(kind)
    return tuple(each for each in kept if key_of(context.store, each.file) == key)


def _responses(
    context: InspectorContext, keys: Sequence[str], numbers: bool
) -> dict[str, list[ShownResponse]]:
    mask: Callable[[str], str] = str if numbers else mask_numbers_in
    return {
        key: [
            ShownResponse(each, tuple((name, mask(value)) for name, value in each.headers), mask(each.body))
            for each in logged
        ]
        for key, logged in context.responses.logged(keys).items()
    }


def _message(
    context: InspectorContext, key: str, fixture: Fixture, sent_at: datetime | None
) -> tuple[tuple[tuple[str, Step], ...], Timeline, int]:
    """The receipts with exactly this message id: different ids can have equal file names."""
    keys = context.index.part_of(key) or (key,)
    message_id = webhook_in(fixture.read()).message_id
    moments: list[tuple[str, Moment]] = []
    for each in keys[-_OPENED:]:
        with suppress(FixtureError):
            other = load(context.rows.path(each))
            receipt = other.read()
            if isinstance(receipt, Webhook) and receipt.message_id == message_id:
                moments.append((each, Moment(other.recorded_at, receipt)))
    moments.sort(key=lambda pair: pair[1].at)
    timeline = build_timeline((moment for _, moment in moments), sent_at)
    steps = tuple((each, step) for (each, _), step in zip(moments, timeline.steps, strict=True))
    return steps, timeline, max(0, len(keys) - _OPENED)


def _shown_headers(callback: Callback, *, numbers: bool) -> list[tuple[str, str]]:
    # The bytes of a value may be UTF-8.
    pairs = [
        (name, value.encode("latin-1", "replace").decode("utf-8", "backslashreplace"))
        for name, value in without_secret(callback).headers
    ]
    return pairs if numbers else [(name, mask_numbers_in(value)) for name, value in pairs]


def wire_text(callback: Callback) -> tuple[str, ...]:
    """The request as lines of text; bytes that are not UTF-8 are escaped."""
    text = to_wire(callback).decode("utf-8", "backslashreplace")
    return tuple(line.removesuffix("\r") for line in text.split("\n"))


def wire_hex(callback: Callback) -> str:
    """The request as a hex dump, sixteen bytes a line."""
    data = to_wire(callback)
    lines = []
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{at:06x}  {part[:8].hex(' '):<23}  {part[8:].hex(' '):<23}  {text}")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class ComparedField:
    """A field, header or part of the request in two recordings; None where it is missing."""

    name: str
    left: str | None
    right: str | None

    @property
    def verdict(self) -> Literal["same", "changed", "only left", "only right"]:
        if self.left == self.right:
            return "same"
        if self.left is None or self.right is None:
            return "only right" if self.left is None else "only left"
        return "changed"


def compare(left: Fixture, right: Fixture, *, numbers: bool) -> dict[str, list[ComparedField]]:
    """The fields, the request line and the headers of two fixtures. numbers: show phone numbers whole.

    Masked numbers that differ are marked as changed, even if their last digits are equal.
    """
    fields = _paired(_fields(left), _fields(right))
    headers = _paired(_headers(left.callback), _headers(right.callback))
    if not numbers:
        fields = [_masked(line, partial(mask_field, line.name)) for line in fields]
        headers = [_masked(line, mask_numbers_in) for line in headers]
    return {
        "Fields": fields,
        "Request": _paired(_request(left.callback), _request(right.callback)),
        "Headers": headers,
    }


def _paired(left: Sequence[tuple[str, str]], right: Sequence[tuple[str, str]]) -> list[ComparedField]:
    before, after = _numbered(left), _numbered(right)
    return [ComparedField(name, before.get(name), after.get(name)) for name in {**before, **after}]


def _numbered(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The pairs with unique names, since a header may occur twice."""
    numbered: dict[str, str] = {}
    count: Counter[str] = Counter()
    for name, value in pairs:
        count[name] += 1
        numbered[f"{name} #{count[name]}" if count[name] > 1 else name] = value
    return numbered


def _masked(line: ComparedField, mask: Callable[[str], str]) -> ComparedField:
    left = None if line.left is None else mask(line.left)
    right = None if line.right is None else mask(line.right)
    if left == right and line.left != line.right:
        right = f"{right} (another one)"
    return ComparedField(line.name, left, right)


def _fields(fixture: Fixture) -> list[tuple[str, str]]:
    fields = webhook_in(fixture.read()).fields
    return [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in fields.items()]


def _request(callback: Callback) -> list[tuple[str, str]]:
    path = without_token(callback.target).partition("?")[0]
    return [
        ("method", callback.method),
        ("path", f"{path}/[hidden]" if has_token(callback.target) else path),
        ("transport", callback.transport),
        ("body", f"{len(callback.body)} bytes"),
    ]


def _headers(callback: Callback) -> list[tuple[str, str]]:
    return [(name.title(), value) for name, value in _shown_headers(callback, numbers=True)]
