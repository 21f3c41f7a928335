"""News for pages: told at once to the few that may watch, asked for by all others."""

import json
from collections.abc import Iterator

from flask import Blueprint, Response, request

from devkit.inspector.feed import Batch
from devkit.inspector.query import whole_number
from devkit.inspector.source import Sources, as_json

_BEAT = 5.0  # seconds between two signs of life, by which a page that has gone is noticed, too
_BEATS = 120  # after so many a page asks anew, in case this end is wrong about it
_MOST = 10**12 - 1  # events of a session
_TOLD = 200  # events of one batch; of more, a page is only told how many


def stream(sources: Sources) -> Blueprint:
    """Server-sent events, and the same by asking."""
    part = Blueprint("stream", "devkit.inspector")

    @part.get("/stream")
    def watch() -> Response:
        after = request.headers.get("Last-Event-ID") or request.args.get("after")
        return Response(_tell(sources, after), mimetype="text/event-stream")

    @part.get("/api/events")
    def events() -> dict[str, object]:
        after = request.args.get("after")
        feed = sources.feed
        number = _number(sources, after)
        return batch_json(sources, feed.after(number) if number is not None else Batch(feed.last, ()))

    return part


def _tell(sources: Sources, after: str | None) -> Iterator[str]:
    with sources.feed.watching(_number(sources, after)) as watcher:
        # Where this begins, so that nothing is missed if the connection breaks before the first event.
        yield _message("hello", {"after": place(sources, watcher.last)})
        beats = 0
        while beats < _BEATS:
            batch = watcher.next(_BEAT)
            if batch is None:
                yield _message("ended", {})
                return
            if batch.happenings or batch.lost:
                yield _message("news", batch_json(sources, batch))
            else:
                beats += 1
                yield _message("beat", {})
        yield _message("again", {})


def batch_json(sources: Sources, batch: Batch) -> dict[str, object]:
    """A batch for pages and scripts. after: to ask from next time."""
    told = batch.happenings[-_TOLD:]
    return {
        "after": place(sources, batch.last),
        "lost": batch.lost or len(told) < len(batch.happenings),
        "events": [as_json(sources.store, happening) for happening in told],
    }


def place(sources: Sources, number: int) -> str:
    """Where a page stands in the news of this session."""
    return f"{sources.feed.session}-{number}"


def _number(sources: Sources, after: str | None) -> int | None:
    """The number in what a page was told before; -1 when that was in another session, None when nothing was."""
    if not after:
        return None
    session, _, number = after.partition("-")
    told = whole_number(number, _MOST) if session == sources.feed.session else None
    return -1 if told is None else told


def _message(event: str, data: dict[str, object]) -> str:
    return f"event: {event}\ndata: {json.dumps(data)}\n\n"
