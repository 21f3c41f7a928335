"""The inspector's JSON API and event stream. Described in docs/inspector.md."""

import json
from collections.abc import Iterator, Mapping

from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from devkit.errors import DevkitError, UsageError
from devkit.fixture.format import format_time
from devkit.inspector.context import InspectorContext, as_json
from devkit.inspector.detail import read_detail
from devkit.inspector.event_log import EventBatch
from devkit.inspector.index import Row
from devkit.inspector.replay_form import ReplayRequest, read_transport
from devkit.inspector.search import (
    EVENT_KINDS,
    PAGE,
    Query,
    find_messages,
    find_rows,
    read_query,
    whole_number,
)
from devkit.inspector.views import checked, run_replay
from devkit.replay.transform import Changes
from devkit.webhook.strict_json import InvalidJson, parse

_MOST = 500  # of a page
_SHOWN = 40  # characters of a wrong value
_MAX_DEPTH = 8


def api(context: InspectorContext) -> Blueprint:
    """List, one, replay; events are in `stream`."""
    part = Blueprint("api", "devkit.inspector", url_prefix="/api")

    @part.route("/receipts", methods=["GET", "POST"])
    def receipts() -> dict[str, object]:
        query, limit = _query()
        context.index.refresh()
        if query.kind in EVENT_KINDS:
            events = context.event_log.kept(query.kind)[:limit]
            return {"events": [as_json(context.store, each) for each in events], "next": ""}
        rows, before = find_rows(context.index, context.rows, query, context.clock(), limit=limit)
        return {"receipts": [row_json(row, query.numbers) for row in rows], "next": before}

    @part.route("/messages", methods=["GET", "POST"])
    def messages() -> dict[str, object]:
        query, limit = _query()
        context.index.refresh()
        page = find_messages(context.index, context.rows, query, context.clock(), limit=limit)
        found = [
            {
                "message_id": message.latest.message_id,
                "status": message.status,
                "receipts": message.total,
                "newest": [row_json(row, query.numbers) for row in message.rows],
            }
            for message in page.messages
        ]
        return {"messages": found, "next": page.next}

    @part.get("/receipts/<path:key>")
    def one(key: str) -> dict[str, object]:
        context.index.refresh()
        numbers = request.args.get("numbers") in ("1", "true", "on")
        detail = read_detail(context, checked(context, key), numbers=numbers)
        if detail is None:
            abort(404)
        explanation = detail.explanation
        return {
            **row_json(detail.row, numbers),
            "file": detail.file,
            "fields": {each.name: each.value for each in explanation.fields},
            "status_meaning": explanation.status_meaning,
            "advice": explanation.advice,
            "pitfalls": explanation.pitfalls,
            "timeline": [
                {
                    "key": stop.key,
                    "status": stop.step.receipt.status,
                    "since_first": stop.step.since_first.total_seconds(),
                    "duplicate": stop.step.repeats is not None,
                    "wrong_order": stop.step.overtaken,
                }
                for stop in detail.stops
            ],
            "answers": [as_json(context.store, each) for each in detail.answers],
            "replays": [as_json(context.store, each) for each in detail.replays],
        }

    @part.post("/receipts/<path:key>/replay")
    def replay(key: str) -> dict[str, object]:
        done = run_replay(context, checked(context, key), json_replay_request(_document()))
        return {**done.as_json(), "key": key}

    part.register_error_handler(DevkitError, _error)
    part.register_error_handler(HTTPException, _http_error)
    return part


def row_json(row: Row, numbers: bool) -> dict[str, object]:
    """A receipt for scripts. numbers: the phone number whole, else masked."""
    return {
        "key": row.key,
        "recorded_at": format_time(row.at),
        "message_id": row.message_id,
        "status": row.status,
        "err_code": row.err_code,
        "meaning": row.meaning,
        "msisdn": row.number(whole=numbers),
        "network": row.network,
        "transport": row.transport,
        "signature": row.signature,
        "problem": row.problem,
    }


def json_replay_request(document: object) -> ReplayRequest:
    """The order in a script's JSON: `to`, `as`, `set`, `unset`, `now`, `resign`. Raises UsageError."""
    match document:
        case dict():
            given = document
        case _:
            raise UsageError(
                "The body is not a JSON object.", hint='Send {} or {"to": "http://127.0.0.1:5000/dlr"}'
            )
    sets, unsets = given.get("set", {}), given.get("unset", [])
    if not isinstance(sets, dict) or not isinstance(unsets, list):
        raise UsageError('"set" is no object, or "unset" is no list.', hint='"set": {"err-code": "2"}')
    return ReplayRequest(
        to=str(given.get("to", "")),
        changes=Changes(
            read_transport(str(given.get("as", ""))),
            tuple((str(name), str(value)) for name, value in sets.items()),
            tuple(map(str, unsets)),
            now=given.get("now") is True,
            resign=given.get("resign") is True,
        ),
    )


def _query() -> tuple[Query, int]:
    values: Mapping[str, str] = request.args
    if request.method == "POST":
        document = _document()
        if not isinstance(document, dict):
            raise UsageError("The body is not a JSON object.", hint='Send {"q": "words to look for"}')
        values = {str(name): str(value) for name, value in document.items()}
    elif "q" in values:
        raise UsageError(
            "Words to search for may be a phone number, which has no place in an address.",
            hint='POST them: {"q": "..."}',
        )
    limit = values.get("limit", str(PAGE))
    if not (number := whole_number(limit, _MOST)):
        raise UsageError(f"Not a number of receipts: {limit[:_SHOWN]!r}.", hint=f"Use 1 to {_MOST}.")
    return read_query(values), number


def _document() -> object:
    """The JSON in the body of a request. Raises UsageError; 415 where it is not said to be JSON."""
    if not request.is_json:
        abort(415)
    try:
        return parse(request.get_data(), max_depth=_MAX_DEPTH)
    except InvalidJson as error:
        raise UsageError(f"The body cannot be read: {error}.", hint="Send one JSON object.") from None


def _error(error: DevkitError) -> tuple[Response, int]:
    return jsonify(error=error.message, hint=error.hint), 400


def _http_error(error: HTTPException) -> tuple[Response, int]:
    return jsonify(error=error.name, hint=""), error.code or 500


_BEAT = 5.0  # seconds between two signs of life, by which a page that has gone is noticed, too
_BEATS = 120  # after so many a page asks anew, in case this end is wrong about it
_MOST_EVENTS = 10**12 - 1  # events of a session
_TOLD = 200  # events of one batch; of more, a page is only told how many


def stream(context: InspectorContext) -> Blueprint:
    """Server-sent events, and the same by asking."""
    part = Blueprint("stream", "devkit.inspector")

    @part.get("/stream")
    def watch() -> Response:
        after = request.headers.get("Last-Event-ID") or request.args.get("after")
        return Response(_tell(context, after), mimetype="text/event-stream")

    @part.get("/api/events")
    def events() -> dict[str, object]:
        after = request.args.get("after")
        event_log = context.event_log
        number = _number(context, after)
        return batch_json(
            context, event_log.after(number) if number is not None else EventBatch(event_log.last, ())
        )

    return part


def _tell(context: InspectorContext, after: str | None) -> Iterator[str]:
    with context.event_log.watching(_number(context, after)) as watcher:
        # Where this begins, so that nothing is missed if the connection breaks before the first event.
        yield _message("hello", {"after": cursor(context, watcher.last)})
        beats = 0
        while beats < _BEATS:
            batch = watcher.next(_BEAT)
            if batch is None:
                yield _message("ended", {})
                return
            if batch.logged or batch.lost:
                yield _message("news", batch_json(context, batch))
            else:
                beats += 1
                yield _message("beat", {})
        yield _message("again", {})


def batch_json(context: InspectorContext, batch: EventBatch) -> dict[str, object]:
    """A batch for pages and scripts. after: to ask from next time."""
    told = batch.logged[-_TOLD:]
    return {
        "after": cursor(context, batch.last),
        "lost": batch.lost or len(told) < len(batch.logged),
        "events": [as_json(context.store, logged) for logged in told],
    }


def cursor(context: InspectorContext, number: int) -> str:
    """Where a page stands in the news of this session."""
    return f"{context.event_log.session}-{number}"


def _number(context: InspectorContext, after: str | None) -> int | None:
    """The number in what a page was told before; -1 when that was in another session, None when nothing was."""
    if not after:
        return None
    session, _, number = after.partition("-")
    told = whole_number(number, _MOST_EVENTS) if session == context.event_log.session else None
    return -1 if told is None else told


def _message(event: str, data: dict[str, object]) -> str:
    return f"event: {event}\ndata: {json.dumps(data)}\n\n"
