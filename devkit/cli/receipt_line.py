"""A webhook as one line in columns that all commands share. They fit the terminal; the reason is last."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import accumulate, takewhile
from typing import TYPE_CHECKING, NamedTuple

from devkit.cli.output import status_color, style
from devkit.webhook.masking import printable
from devkit.webhook.receipt import short_id
from devkit.webhook.vocabulary import INBOUND, NO_ERROR

if TYPE_CHECKING:  # only the types: most commands show recordings
    from devkit.events.session import Forwarded, ReceiptTaken

SENT_AGAIN = "sent again on a new connection"  # see `devkit.http.client.Connection`

_GAP = 2  # blanks between cells
_SHORTEST_REASON = 10  # columns that are left free for the reason: an err-code, and what fits of its meaning
_DETAILS = 4  # the rank of cells that are shown only beside the whole reason
_LONGEST_STATUS = 13  # `undeliverable`


class Cell(NamedTuple):
    """A part of a line. rank: 0 is always shown; of the others, high ones are left out first when a line is too long.

    width: the least one, also without text; a cell without both is left out.
    """

    text: str
    rank: int = 0
    fg: str | None = None
    width: int = 0


def fit(cells: Sequence[Cell], reason: str, width: int | None) -> str:
    """The line of these cells, styled, then the reason. width: of the terminal; None does not limit the line."""
    cells = [_printable(cell) for cell in cells if cell.text or cell.width]
    reason = printable(reason)
    if width is not None:
        cells = _fitting(cells, _columns(reason), width)
        reason = _cut(reason, width - sum(map(_size, cells)))
    return "".join([*map(_padded, cells), reason]).rstrip()


def _printable(cell: Cell) -> Cell:
    # Most are already: new cells would take a third of the time of a line, which the receiver shares.
    return cell if cell.text.isprintable() else cell._replace(text=printable(cell.text))


def _padded(cell: Cell) -> str:
    text = style(cell.text, fg=cell.fg) if cell.fg and cell.text else cell.text
    columns = _columns(cell.text)
    return text + " " * (max(columns, cell.width) + _GAP - columns)


def _fitting(cells: list[Cell], reason: int, width: int) -> list[Cell]:
    """The cells that fit beside the reason, in their order. reason: its columns."""
    kept, used = set(), 0
    for index in sorted(range(len(cells)), key=lambda index: cells[index].rank):
        cell = cells[index]
        wanted = reason if cell.rank >= _DETAILS else min(reason, _SHORTEST_REASON)
        free = width - used - (wanted or -_GAP)
        if cell.rank and _size(cell) > free:
            break  # not a less important one instead
        kept.add(index)
        used += _size(cell)
    return [cell for index, cell in enumerate(cells) if index in kept]


def _size(cell: Cell) -> int:
    return max(_columns(cell.text), cell.width) + _GAP


def _columns(text: str) -> int:
    """The columns that a terminal needs for a text."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width  # most text is ASCII

    return sum(0 if combining(char) else 1 + (east_asian_width(char) in "WF") for char in text)


def _cut(text: str, width: int) -> str:
    if _columns(text) <= width:
        return text
    used = accumulate(map(_columns, text))
    kept = sum(1 for _ in takewhile(lambda columns: columns <= width - 3, used))
    return text[:kept].rstrip() + "..." if width > 3 else ""


def time_of_day(moment: datetime | None = None) -> Cell:
    """The first column of what happens often. moment: now without it."""
    return Cell(f"{(moment or datetime.now(UTC)).astimezone():%H:%M:%S}", fg="bright_black", width=10)


def relayed_at(recorded_at: str) -> Cell:
    """The first column of a receipt that a relay took, perhaps days ago: a relay keeps them for a week."""
    moment, today = datetime.fromisoformat(recorded_at).astimezone(), datetime.now(UTC).astimezone().date()
    return (
        time_of_day(moment)
        if moment.date() == today
        else Cell(f"{moment:%a %H:%M}", fg="bright_black", width=10)
    )


def status_cell(status: str, width: int | None) -> Cell:
    return Cell(
        _cut(printable(status), _LONGEST_STATUS) if width else status, fg=status_color(status), width=10
    )


def id_cell(message_id: str) -> Cell:
    """A message id, cut to the part that differs, which is a selector too."""
    return Cell(_cut(printable(short_id(message_id)), 20), fg="bright_black", width=8)


def part_cell(part: int, parts: int) -> Cell:
    """Which part of a text it is, as `2/3`; empty for a text of one part, and when the parts are not known."""
    return Cell(f"{part}/{parts}" if part and parts > 1 else "")


def api_cell(kind: str, channel: str) -> Cell:
    """The API of a webhook, if it is not the SMS API, and the channel, if it is not SMS."""
    api = "Messages API" if kind.startswith("messages-") else ""
    return Cell(", ".join(filter(None, (api, "" if channel == "sms" else channel))), 3, "blue")


def people_cells(status: str, recipient: str, sender: str) -> tuple[Cell, Cell]:
    """The other person, and then your own number or name. recipient, sender: masked."""
    if status == INBOUND:
        return Cell(sender, 4), Cell(recipient and f"to {recipient}", 6)
    return Cell(recipient, 4), Cell(sender and f"from {sender}", 6)


def since_cell(milliseconds: int | None) -> Cell:
    """The time since the send, or since the first receipt of the message."""
    return Cell("" if milliseconds is None else f"+{_duration(milliseconds / 1000)}", 2, "bright_black", 7)


def answer_cell(status: int | None, ms: float | None, problem: str = "", rank: int = 1) -> Cell:
    """What the application answered."""
    if status is None:
        return Cell(f"-> {problem}" if problem else "", rank, "red")
    return Cell(f"-> {status} {ms or 0:.{0 if ms and ms >= 10 else 1}f} ms", rank, answer_color(status), 12)


def answer_color(status: int | None) -> str:
    """Green for a 2xx HTTP status; red for another one, and for none."""
    return "green" if status is not None and 200 <= status < 300 else "red"


def content(status: str, text: str, message_type: str, problem: str, why: str) -> str:
    """The last cell: what an inbound message says, what an unknown webhook is, else why the message has its status."""
    if status == INBOUND and not problem:
        return text or f"[{message_type or 'no text'}]"
    return problem or why


def numbered_reason(err_code: str, meaning: str, status: str) -> str:
    """An err-code and its meaning; empty when the err-code says only what the status says."""
    return "" if (err_code, status) in NO_ERROR else f"{err_code} {meaning}".strip()


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def late_answer_lines(event: "Forwarded", width: int | None, at: datetime | None = None) -> list[str]:
    """A response that came too late for the receipt's line. at: when it came."""
    if event.answer is None:  # a notice says once that the application is down
        return []
    answer = answer_cell(event.answer, event.ms, rank=0)._replace(width=20)
    again = Cell(SENT_AGAIN if event.sent_again else "", 1)
    return [fit([time_of_day(at), answer, id_cell(event.message_id), again], "", width)]


def receipt_lines(
    event: "ReceiptTaken", answer: "Forwarded | None", width: int | None, at: datetime | None = None
) -> list[str]:
    """A receipt of a session with the application's response to it, for a terminal. at: when it was taken."""
    problem = event.signature_problem
    return [
        _receipt(event, answer, width, at),
        *([fit([Cell("", width=10)], problem, None)] if problem else []),
    ]


def _receipt(
    event: "ReceiptTaken", answer: "Forwarded | None", width: int | None, at: datetime | None = None
) -> str:
    time = relayed_at(event.recorded_at) if event.recorded_at else time_of_day(at)
    if event.problem and event.kind != "unknown":
        return fit([time, Cell("unreadable", fg="red"), *_response(answer)], event.problem, width)
    other, own = people_cells(event.status, event.msisdn, event.sender)
    cells = [
        time,
        status_cell(event.status, width),
        id_cell(event.message_id),
        part_cell(event.part, event.parts),
        since_cell(event.latency_ms if event.sent_ms is None else event.sent_ms),
        *_response(answer),
        *(Cell(note, 3, color) for note, color in _notes(event)),
        api_cell(event.kind, event.channel),
        other,
        Cell(event.client_ref, 5),
        Cell(event.who and f"for {event.who}", 5),
        own,
        Cell(event.network and f"network {event.network}", 7),
    ]
    why = numbered_reason(event.err_code, event.meaning, event.status)
    return fit(cells, content(event.status, event.text, event.message_type, event.problem, why), width)


def _response(answer: "Forwarded | None") -> list[Cell]:
    if answer is None:
        return []
    again = Cell(SENT_AGAIN if answer.sent_again else "", 5)
    if answer.answer is None:  # a notice says why
        return [Cell("-> no answer", 1, "red", 12), again]
    return [answer_cell(answer.answer, answer.ms), again]


def _notes(event: "ReceiptTaken") -> Iterator[tuple[str, str]]:
    if event.signature in ("valid", "invalid"):
        yield ("sig ok", "green") if event.signature == "valid" else ("sig invalid", "red")
    if event.order:
        yield event.order, "magenta"
    if event.replay:
        yield "replayed, not recorded again", "cyan"
    if event.triggered:
        yield "triggered", "cyan"
