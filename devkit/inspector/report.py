"""A report of receipts: one HTML page that needs no server, no network and no script.

It is redacted by the rules of `devkit keep`: a value is shown when its rule keeps it, else as its stand-in. Of a
recording that no rule covers only the time is shown, and a status and an err-code that are documented.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jinja2 import Environment, PackageLoader

from devkit import __version__
from devkit.errors import FixtureError
from devkit.fixture.explain import Explanation, explain
from devkit.fixture.format import TRIGGERED, Fixture, load
from devkit.fixture.redaction.plan import redact
from devkit.fixture.redaction.policy import Policy, RedactionError
from devkit.fixture.response_log import LoggedResponse, recording_key
from devkit.inspector.charts import draw
from devkit.inspector.row import SENT_KINDS, field_names
from devkit.inspector.template_filters import register_filters
from devkit.webhook.callback import compose
from devkit.webhook.receipt import Receipt, Unreadable, Webhook, webhook_in
from devkit.webhook.signature import Method, Verdict, verify_callback
from devkit.webhook.timeline import Moment, SentMessage, Step, build_timeline
from devkit.webhook.vocabulary import ERR_CODES, STATUSES, TRANSPORT_MEANINGS

MARK = b"<!doctype html>\n<!-- made by: devkit report -->"  # the beginning of each report

_STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A receipt as the report shows it. shown: without what identifies somebody. number: its place in the message.

    is_whole: whether its fields are shown. step: its times and marks, without the receipt; None for what is none.
    """

    shown: Explanation
    signature: Verdict
    is_whole: bool
    responses: tuple[LoggedResponse, ...]
    number: int = 1
    step: Step | None = field(default=None, repr=False)

    @property
    def status(self) -> str:
        """The status, or why there is none."""
        return self.shown.status or ("unreadable" if self.shown.problem else "not shown")

    def text(self, name: str) -> str:
        """The shown value of a field; empty when it is missing. In v0.1 of the Messages API, it is in an object."""
        names = (name, f"{name}.number", f"{name}.id")
        return next((each.value for each in self.shown.fields if each.name in names), "")


@dataclass(frozen=True, slots=True)
class ReportedMessage:
    """The receipts of a message, oldest first. decisive: the newest one with the current status.

    delay: to the final one, from the send if devkit sent the message, else from the first receipt. part, parts: of a
    text that devkit sent, else 0.
    """

    number: int
    lines: tuple[ReportLine, ...]
    decisive: ReportLine
    is_final: bool
    delay: timedelta | None
    part: int = 0
    parts: int = 0

    @property
    def is_unreadable(self) -> bool:
        """Whether this is no message, but a callback that cannot be read."""
        return self.decisive.step is None

    @property
    def was_sent(self) -> bool:
        """Whether it was sent by you, so that it can be delivered or not."""
        return not self.is_unreadable and self.decisive.shown.kind in SENT_KINDS

    @property
    def is_inbound(self) -> bool:
        return self.decisive.shown.kind.endswith("-inbound")

    @property
    def has_failed(self) -> bool:
        return self.was_sent and self.is_final and self.decisive.status not in ("delivered", "read")

    def text(self, name: str) -> str:
        """The shown value of a field that all receipts of a message have."""
        return next(filter(None, (line.text(name) for line in self.lines)), "") if name else ""

    @property
    def facts(self) -> dict[str, str]:
        """What identifies the message, by names for people."""
        names = field_names(self.decisive.shown.kind)
        return {name: self.text(field) for name, field in names.items()}

    @property
    def body_text(self) -> str:
        """What an inbound message says."""
        return self.text("text") or self.text("message.content.text") if self.is_inbound else ""


@dataclass(frozen=True, slots=True)
class Report:
    """html: the page. messages: oldest first.

    withheld: why the fields of some receipts are not shown. damaged: why some files are left out.
    """

    html: bytes = field(repr=False)
    messages: tuple[ReportedMessage, ...]
    withheld: tuple[RedactionError, ...]
    damaged: tuple[FixtureError, ...]

    @property
    def receipts(self) -> int:
        return sum(len(message.lines) for message in self.messages)


def make_report(
    paths: Iterable[Path],
    policy: Policy | None,
    responses: Mapping[str, Sequence[LoggedResponse]],
    sends: Mapping[str, SentMessage],
    now: datetime,
    *,
    secret: str,
    method: Method,
    left_out: int = 0,
) -> Report:
    """The report of these recordings. policy: None to redact nothing. responses: by `recording_key`, oldest first.

    sends: the messages that devkit sent, by the message id of each of their parts.
    secret, method: to check signatures. left_out: how many older recordings there are.
    """
    groups: dict[tuple[str, str], list[_Recorded]] = defaultdict(list)
    withheld: list[RedactionError] = []
    damaged: list[FixtureError] = []
    for path in paths:
        try:
            fixture = load(path)
        except FixtureError as problem:
            damaged.append(problem)
            continue
        reading, key = fixture.read(), recording_key(path)
        webhook = webhook_in(reading)
        shown, uncovered = _redacted(fixture, reading, policy)
        withheld += [uncovered] if uncovered else []
        line = ReportLine(
            shown=_explanation(shown, reading, is_whole=uncovered is None),
            signature=fixture.signature or verify_callback(webhook, fixture.callback, secret, method)[0],
            is_whole=uncovered is None,
            responses=tuple(_shown_responses(responses.get(key, ()), private=policy is None)),
        )
        groups[webhook.message_id, "" if webhook.message_id else key].append((reading, line))
    ordered = [sorted(group, key=_recorded_at) for group in groups.values()]
    ordered.sort(key=lambda group: _recorded_at(group[0]))
    messages = tuple(_message(number, group, sends) for number, group in enumerate(ordered, 1))
    html = _render(messages, now, is_private=policy is None, left_out=left_out, damaged=len(damaged))
    return Report(html.encode(), messages, tuple(withheld), tuple(damaged))


_Recorded = tuple[Webhook | Unreadable, ReportLine]  # what was recorded, and how the report shows it


def _recorded_at(recorded: _Recorded) -> datetime:
    return recorded[1].shown.recorded_at


def _redacted(
    fixture: Fixture, reading: Webhook | Unreadable, policy: Policy | None
) -> tuple[Fixture, RedactionError | None]:
    """The fixture with stand-ins. Where no rule covers it, one of the documented words only, and the reason."""
    # What is not in the report need not be redacted.
    tags = tuple(tag for tag in fixture.tags if tag == TRIGGERED)
    bare = replace(fixture, captured="", note="", tags=tags, redacted={}, extra={}, request_extra={})
    if policy is None:
        return bare, None
    try:
        return redact(bare, policy).fixture, None
    except RedactionError as problem:
        receipt = webhook_in(reading)
        known = {"status": receipt.status in STATUSES, "err-code": receipt.err_code in ERR_CODES}
        documented = {name: receipt.text(name) for name, is_known in known.items() if is_known}
        callback = compose(documented, fixture.callback.transport)
        return Fixture(fixture.recorded_at, callback, tags=tags), problem


def _explanation(shown: Fixture, reading: Webhook | Unreadable, *, is_whole: bool) -> Explanation:
    explanation = explain(shown, secret="", method="md5hash", numbers=True)
    if is_whole:
        return explanation
    return replace(
        explanation,
        kind=reading.kind,
        problem="It cannot be read." if isinstance(reading, Unreadable) else "",
    )


def _shown_responses(logged: Iterable[LoggedResponse], *, private: bool) -> Iterator[LoggedResponse]:
    """The results in the log. No rule covers an application's headers and text, nor the names of hosts."""
    for entry in logged:
        if not entry.waiting_in:
            yield entry if private else replace(entry, to="", problem="", headers=(), body="", is_cut=False)


def _message(number: int, group: Sequence[_Recorded], sends: Mapping[str, SentMessage]) -> ReportedMessage:
    """group: of the message, oldest first. It is timed and judged as recorded: stand-ins would hide duplicates."""
    message_id = webhook_in(group[0][0]).message_id
    sent = sends.get(message_id)
    moments = [Moment(_recorded_at(each), each[0]) for each in group if isinstance(each[0], Webhook)]
    timeline = build_timeline(moments, sent.at if sent else None)
    steps = timeline.steps or (None,) * len(group)  # an unreadable one is alone in its group
    lines = [
        replace(line, number=place, step=step and step._replace(receipt=Receipt({})))
        for place, ((_, line), step) in enumerate(zip(group, steps, strict=True), 1)
    ]
    decisive = [
        line
        for line, (reading, _) in zip(lines, group, strict=True)
        if webhook_in(reading).status == timeline.status
    ]
    return ReportedMessage(
        number=number,
        lines=tuple(lines),
        decisive=decisive[-1],
        is_final=timeline.final,
        delay=timeline.delay,
        part=sent.number_of(message_id) if sent else 0,
        parts=len(sent.parts) if sent else 0,
    )


def _render(
    messages: Sequence[ReportedMessage], now: datetime, *, is_private: bool, left_out: int, damaged: int
) -> str:
    environment = Environment(loader=PackageLoader("devkit.inspector"), autoescape=True)
    register_filters(environment)
    lines = [line for message in messages for line in message.lines]
    times = [line.shown.recorded_at for line in lines]
    delays = [(message.facts["Network"], message.delay) for message in messages if message.delay]
    template = environment.get_template("report.html")
    return template.render(
        mark=MARK.decode(),
        style="".join((_STATIC / name).read_text("utf-8") for name in ("base.css", "report.css")),
        messages=messages,
        receipts=len(lines),
        failed=[message for message in messages if message.has_failed],
        sent=sum(message.was_sent for message in messages),
        open=sum(message.was_sent and not message.is_final for message in messages),
        inbound=sum(message.is_inbound for message in messages),
        unreadable=sum(message.is_unreadable for message in messages),
        withheld=sum(not line.is_whole for line in lines),
        overview=draw(
            list(zip(times, (line.status for line in lines), strict=True)), delays, len(lines), UTC
        ),
        first=min(times, default=None),
        last=max(times, default=None),
        now=now,
        is_private=is_private,
        left_out=left_out,
        damaged=damaged,
        version=__version__,
        transports=TRANSPORT_MEANINGS,
    )
