"""The events of a session for pages and scripts: as server-sent events, and for a page that polls."""

import json
from collections.abc import Iterator

from flask import Blueprint, Response, request

from devkit.events.session import Sent
from devkit.inspector.context import InspectorContext
from devkit.inspector.event_log import EventBatch, LoggedEvent
from devkit.inspector.index import key_of
from devkit.inspector.search import whole_number
from devkit.webhook.callback import without_token
from devkit.webhook.masking import mask_number

_HEARTBEAT = 5.0  # seconds; writing one also detects a page that was closed
_HEARTBEATS = 120  # then the page connects again, in case a closed connection was not detected
_MAX_NUMBER = 10**12 - 1  # events of a session
_IN_A_BATCH = 200  # events; of more, a page learns only that there were more


def stream(context: InspectorContext) -> Blueprint:
    """Server-sent events, and the same events for a page that polls."""
    part = Blueprint("stream", "devkit.inspector")

    @part.get("/stream")
    def server_sent_events() -> Response:
        cursor = request.headers.get("Last-Event-ID") or request.args.get("after")
        return Response(_stream(context, cursor), mimetype="text/event-stream")

    @part.get("/api/events")
    def events() -> dict[str, object]:
        event_log = context.event_log
        number = _number(context, request.args.get("after"))
        batch = EventBatch(event_log.last, ()) if number is None else event_log.after(number)
        return _batch_json(context, batch)

    return part


def _stream(context: InspectorContext, cursor: str | None) -> Iterator[str]:
    with context.event_log.subscription(_number(context, cursor)) as subscriber:
        # The first cursor: nothing is missed if the connection breaks before the first event.
        yield _message("hello", {"after": context.event_log.cursor(subscriber.last)})
        heartbeats = 0
        while heartbeats < _HEARTBEATS:
            batch = subscriber.next(_HEARTBEAT)
            if batch is None:
                yield _message("ended", {})
                return
            if batch.logged or batch.lost:
                yield _message("events", _batch_json(context, batch))
            else:
                heartbeats += 1
                yield _message("heartbeat", {})
        yield _message("reconnect", {})


def _batch_json(context: InspectorContext, batch: EventBatch) -> dict[str, object]:
    """A batch for pages and scripts. after: the cursor for the next request."""
    newest = batch.logged[-_IN_A_BATCH:]
    return {
        "after": context.event_log.cursor(batch.last),
        "lost": batch.lost or len(newest) < len(batch.logged),
        "events": [event_json(context, logged) for logged in newest],
    }


def _number(context: InspectorContext, cursor: str | None) -> int | None:
    """The event number in a cursor; -1 for one of another session, None without a cursor."""
    if not cursor:
        return None
    session, _, number = cursor.partition("-")
    known = whole_number(number, _MAX_NUMBER) if session == context.event_log.session else None
    return -1 if known is None else known


def _message(event: str, data: dict[str, object]) -> str:
    return f"event: {event}\ndata: {json.dumps(data)}\n\n"


def event_json(context: InspectorContext, logged: LoggedEvent) -> dict[str, object]:
    """An event for pages and scripts: without the secret of the callback path, with masked numbers."""
    values = logged.event.as_json()
    for name in ("callback_url", "former_url"):
        if name in values:
            values[name] = without_token(str(values[name]))
    if isinstance(logged.event, Sent):
        values["to"] = mask_number(logged.event.to)
    if "kind" in values:  # of the webhook; `kind` is that of the event here
        values["webhook_kind"] = values.pop("kind")
    return {
        "number": logged.number,
        "at": logged.at.isoformat(),
        "kind": logged.kind,
        "key": key_of(context.store, logged.file),
        **values,
    }
