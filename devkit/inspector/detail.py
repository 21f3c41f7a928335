"""Everything there is to say about one recording, for its page."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from devkit.callback import Callback, to_wire
from devkit.errors import FixtureError
from devkit.explanation.explain import Explanation, explain
from devkit.fixture import Fixture, load
from devkit.inspector.feed import Happening
from devkit.inspector.header import shown_headers
from devkit.inspector.order import Editable, editable_fields
from devkit.inspector.row import Row
from devkit.inspector.source import Sources
from devkit.receipt import Receipt
from devkit.selector import shown
from devkit.timeline import Moment, Step, Timeline, build_timeline

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
    answers: tuple[Happening, ...]
    replays: tuple[Happening, ...]
    editable: tuple[Editable, ...] = field(repr=False)
    raw: tuple[str, ...] = field(repr=False)
    hex: str = field(repr=False)
    part: int = 0
    parts: int = 0


def read_detail(sources: Sources, key: str, *, numbers: bool) -> Detail | None:
    """The detail of a recording; None when there is no such file. Raises FixtureError for one that is damaged."""
    row = sources.rows.read(key)
    if row is None:
        return None
    path, options = sources.rows.path(key), sources.options
    fixture = load(path)
    send = sources.sends().get(row.message_id)
    parts = send.parts if send else ()
    stops, timeline, left_out = _message(sources, key, fixture, send.at if send else None)
    return Detail(
        row=row,
        file=shown(path),
        explanation=explain(fixture, secret=options.secret, method=options.method, numbers=numbers),
        timeline=timeline,
        stops=stops,
        left_out=left_out,
        headers=tuple(shown_headers(fixture.callback, numbers=numbers)),
        answers=tuple(sources.about("forwarded", key)),
        replays=tuple(sources.about("replayed", key)),
        editable=tuple(editable_fields(fixture, numbers=numbers)),
        raw=wire_text(fixture.callback) if numbers else (),
        hex=wire_hex(fixture.callback) if numbers else "",
        part=parts.index(row.message_id) + 1 if parts else 0,
        parts=len(parts),
    )


def _message(
    sources: Sources, key: str, fixture: Fixture, sent_at: datetime | None
) -> tuple[tuple[Stop, ...], Timeline, int]:
    """The receipts with the very same message id: names may be alike where ids are not."""
    keys = sources.index.message_of(key) or (key,)
    reading = fixture.read()
    wanted = reading.message_id if isinstance(reading, Receipt) else None
    moments: list[tuple[str, Moment]] = []
    for each in keys[-_OPENED:]:
        moment = _moment(sources.rows.path(each))
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
