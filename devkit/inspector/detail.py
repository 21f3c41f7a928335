"""The detail page: everything about one recording."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from devkit.errors import FixtureError
from devkit.fixture.explain import Explanation, explain
from devkit.fixture.format import Fixture, load
from devkit.fixture.response_log import LoggedResponse
from devkit.fixture.select import display_path
from devkit.inspector.context import InspectorContext
from devkit.inspector.conversation import JoinedText
from devkit.inspector.event_log import LoggedEvent
from devkit.inspector.index import key_of, part_statuses
from devkit.inspector.replay_form import Editable, editable_fields
from devkit.inspector.row import Fact, Row, facts_of
from devkit.webhook.callback import Callback, to_wire, without_secret
from devkit.webhook.jwt import claims_of
from devkit.webhook.masking import FORMS, mask_numbers_in
from devkit.webhook.receipt import Webhook, webhook_in
from devkit.webhook.timeline import Moment, SentMessage, Step, Timeline, build_timeline, text_status

_OPENED = 500  # receipts of one message that its timeline reads
_TEXTS = 100  # of a conversation that a page shows


@dataclass(frozen=True, slots=True)
class ShownResponse:
    """A response of the application. headers, body: with masked numbers, unless numbers are shown."""

    logged: LoggedResponse
    headers: tuple[tuple[str, str], ...]
    body: str

    @property
    def is_waiting(self) -> bool:
        """Whether the receipt will still be sent."""
        return self.logged.state.kind == "waiting"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text. key: of its newest receipt, empty without one; then the status is empty too."""

    message_id: str
    status: str
    key: str


@dataclass(frozen=True, slots=True)
class Detail:
    """A recording with all receipts of its message.

    status: of the message. message: of the receipt that decides it, which may be another one.
    steps: of the timeline, each with the key of its recording. left_out: how many older receipts were not read, or
    how many texts of a conversation are not shown.
    answers, replays: events of this session, newest first. responses: of the application, by key, oldest first.
    raw, hex: the request, empty unless numbers are shown.
    parts: of a text that devkit sent as several, or of an inbound text, else empty.
    receipts: how many the message has, in all parts. claims: names and values of the token, empty without one.
    conversation: all that the sender of an inbound message wrote, oldest first; empty for any other. text: the one
    among them that this recording is a part of.
    """

    row: Row
    file: str
    facts: tuple[Fact, ...]
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
    claims: tuple[tuple[str, str], ...] = ()
    conversation: tuple[JoinedText, ...] = ()
    text: JoinedText | None = None


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
    keys = [each for each, step in steps if step.receipt.status == status]
    keys = keys or [part.key for part in parts if part.status == status]
    message = explanation
    if keys and key not in keys:
        with suppress(FixtureError):  # a damaged file of another part
            message = explain_one(load(context.rows.path(keys[-1])))
    conversation = context.conversations.with_message(row) if row.inbound else []
    text = next((each for each in conversation if any(row.key == key for row in each.rows)), None)
    nearest = _nearest(conversation, text)
    return Detail(
        row=row,
        file=display_path(path),
        facts=facts_of(row, numbers=numbers),
        explanation=explanation,
        status=status,
        message=message,
        timeline=timeline,
        steps=steps,
        left_out=len(conversation) - len(nearest) if text else left_out,
        headers=tuple(shown_headers(fixture.callback, numbers=numbers)),
        answers=_events_about(context, "forwarded", key),
        replays=_events_about(context, "replayed", key),
        responses=_responses(context, [key, *(each for each, _ in steps)], numbers),
        editable=tuple(editable_fields(fixture, numbers=numbers)),
        raw=wire_text(fixture.callback) if numbers else (),
        hex=wire_hex(fixture.callback) if numbers else "",
        is_sent=send is not None,
        parts=_inbound_parts(text) if text and text.total else parts,
        receipts=len(context.index.message_of(key)),
        claims=tuple(_claims(fixture.callback, numbers=numbers)),
        conversation=tuple(nearest),
        text=text,
    )


_CLAIM_FORMS = {
    "iat": r"\d{10}",
    "jti": FORMS["nonce"],
    "payload_hash": FORMS["sig"],
    "application_id": FORMS["nonce"],
}


def _claims(callback: Callback, *, numbers: bool) -> Iterator[tuple[str, str]]:
    for name, value in claims_of(callback.header("Authorization")).items():
        text = value if isinstance(value, str) else json.dumps(value)
        has_form = re.fullmatch(_CLAIM_FORMS.get(name, r"[^\d]*"), text, re.ASCII)
        if name == "iat" and has_form:
            yield name, f"{text} ({datetime.fromtimestamp(int(text), UTC):%Y-%m-%d %H:%M:%S} UTC)"
        else:
            yield name, text if numbers or has_form else mask_numbers_in(text)


def _parts(context: InspectorContext, key: str, send: SentMessage | None) -> tuple[Part, ...]:
    """The parts of a text that devkit sent as several."""
    if send is None or len(send.parts) == 1:
        return ()
    found = context.index.parts_of(key)
    newest = [keys[-1] if keys else "" for keys in found]
    return tuple(map(Part, send.parts, part_statuses(found), newest))


def _nearest(conversation: Sequence[JoinedText], text: JoinedText | None) -> Sequence[JoinedText]:
    """The newest texts of a conversation, or those around an older one."""
    if text is None or text in conversation[-_TEXTS:]:
        return conversation[-_TEXTS:]
    end = conversation.index(text) + _TEXTS // 4
    return conversation[max(0, end - _TEXTS) : end]


def _inbound_parts(text: JoinedText) -> tuple[Part, ...]:
    """All parts of an inbound text, also those that did not arrive."""
    found = {row.inbound.part: row for row in text.rows if row.inbound}
    numbers = range(1, text.total + 1)
    rows = [found.get(number) for number in numbers]
    return tuple(Part(row.message_id, row.status, row.key) if row else Part("", "", "") for row in rows)


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


def shown_headers(callback: Callback, *, numbers: bool) -> list[tuple[str, str]]:
    """The headers without the secret of the callback path. numbers: show phone numbers whole."""
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
