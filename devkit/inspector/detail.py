"""The detail page: everything about one recording, and the comparison of two."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal

from devkit.errors import FixtureError
from devkit.fixture.explain import Explanation, explain
from devkit.fixture.format import Fixture, load
from devkit.fixture.select import display_path
from devkit.inspector.context import InspectorContext
from devkit.inspector.event_log import LoggedEvent
from devkit.inspector.index import Row
from devkit.inspector.replay_form import Editable, editable_fields
from devkit.webhook.callback import Callback, has_token, to_wire, without_secret, without_token
from devkit.webhook.masking import mask_field, mask_numbers_in
from devkit.webhook.receipt import Receipt
from devkit.webhook.timeline import Moment, Step, Timeline, build_timeline


def shown_headers(callback: Callback, *, numbers: bool) -> list[tuple[str, str]]:
    """Names and values of the headers. numbers: show phone numbers whole."""
    pairs = [(name, _text(value)) for name, value in without_secret(callback).headers]
    return pairs if numbers else [(name, mask_numbers_in(value)) for name, value in pairs]


def _text(value: str) -> str:
    # The bytes of a value may be UTF-8.
    return value.encode("latin-1", "replace").decode("utf-8", "backslashreplace")


ChangeKind = Literal["same", "changed", "only left", "only right"]


@dataclass(frozen=True, slots=True)
class ComparedField:
    """One thing on both sides; None where it is missing."""

    name: str
    left: str | None
    right: str | None

    @property
    def verdict(self) -> ChangeKind:
        if self.left == self.right:
            return "same"
        if self.left is None or self.right is None:
            return "only right" if self.left is None else "only left"
        return "changed"


def compare(left: Fixture, right: Fixture, *, numbers: bool) -> dict[str, list[ComparedField]]:
    """The fields, the request line and the headers of two fixtures. numbers: show phone numbers whole.

    Masked numbers that differ show as changed, whatever their last digits.
    """
    fields = _lines(_fields(left), _fields(right))
    headers = _lines(_headers(left.callback), _headers(right.callback))
    if not numbers:
        fields = [_masked(line, partial(mask_field, line.name)) for line in fields]
        headers = [_masked(line, mask_numbers_in) for line in headers]
    return {
        "Fields": fields,
        "Request": _lines(_request(left.callback), _request(right.callback)),
        "Headers": headers,
    }


def _lines(left: Sequence[tuple[str, str]], right: Sequence[tuple[str, str]]) -> list[ComparedField]:
    before, after = _numbered(left), _numbered(right)
    return [ComparedField(name, before.get(name), after.get(name)) for name in {**before, **after}]


def _numbered(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names made unique, since a header may stand twice."""
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
    reading = fixture.read()
    fields: Mapping[str, object] = reading.fields if isinstance(reading, Receipt) else {}
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
    return [(name.title(), value) for name, value in shown_headers(callback, numbers=True)]


_OPENED = 500  # receipts of one message that its timeline reads


@dataclass(frozen=True, slots=True)
class Stop:
    """A step of the timeline and the recording that it is from."""

    key: str
    step: Step


@dataclass(frozen=True, slots=True)
class Detail:
    """row and explanation: of this recording. stops: all receipts of its message, oldest first.

    left_out: older ones that were not read. raw, hex: empty unless numbers are shown. part, parts: of a message
    that was sent in this session; 0 when that is not known.
    """

    row: Row
    file: str
    explanation: Explanation
    timeline: Timeline
    stops: tuple[Stop, ...]
    left_out: int
    headers: tuple[tuple[str, str], ...]
    answers: tuple[LoggedEvent, ...]
    replays: tuple[LoggedEvent, ...]
    editable: tuple[Editable, ...] = field(repr=False)
    raw: tuple[str, ...] = field(repr=False)
    hex: str = field(repr=False)
    part: int = 0
    parts: int = 0


def read_detail(context: InspectorContext, key: str, *, numbers: bool) -> Detail | None:
    """The detail of a recording; None when there is no such file. Raises FixtureError for one that is damaged."""
    row = context.rows.read(key)
    if row is None:
        return None
    path, options = context.rows.path(key), context.options
    fixture = load(path)
    send = context.sends().get(row.message_id)
    parts = send.parts if send else ()
    stops, timeline, left_out = _message(context, key, fixture, send.at if send else None)
    return Detail(
        row=row,
        file=display_path(path),
        explanation=explain(fixture, secret=options.secret, method=options.method, numbers=numbers),
        timeline=timeline,
        stops=stops,
        left_out=left_out,
        headers=tuple(shown_headers(fixture.callback, numbers=numbers)),
        answers=tuple(context.about("forwarded", key)),
        replays=tuple(context.about("replayed", key)),
        editable=tuple(editable_fields(fixture, numbers=numbers)),
        raw=wire_text(fixture.callback) if numbers else (),
        hex=wire_hex(fixture.callback) if numbers else "",
        part=parts.index(row.message_id) + 1 if parts else 0,
        parts=len(parts),
    )


def _message(
    context: InspectorContext, key: str, fixture: Fixture, sent_at: datetime | None
) -> tuple[tuple[Stop, ...], Timeline, int]:
    """The receipts with the very same message id: names may be alike where ids are not."""
    keys = context.index.message_of(key) or (key,)
    reading = fixture.read()
    wanted = reading.message_id if isinstance(reading, Receipt) else None
    moments: list[tuple[str, Moment]] = []
    for each in keys[-_OPENED:]:
        moment = _moment(context.rows.path(each))
        if moment and moment.receipt.message_id == wanted:
            moments.append((each, moment))
    moments.sort(key=lambda pair: pair[1].at)
    timeline = build_timeline((moment for _, moment in moments), sent_at)
    stops = tuple(Stop(each, step) for (each, _), step in zip(moments, timeline.steps, strict=True))
    return stops, timeline, max(0, len(keys) - _OPENED)


def _moment(path: Path) -> Moment | None:
    try:
        fixture = load(path)
    except FixtureError:
        return None
    reading = fixture.read()
    return Moment(fixture.recorded_at, reading) if isinstance(reading, Receipt) else None


def wire_text(callback: Callback) -> tuple[str, ...]:
    """The request as lines of text; bytes that are not UTF-8 are spelled out."""
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
