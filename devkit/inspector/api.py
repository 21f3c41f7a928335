"""The same for scripts: JSON under /api/. Described in docs/inspector.md."""

from collections.abc import Mapping

from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from devkit.document import BadDocument, parse
from devkit.errors import DevkitError, UsageError
from devkit.fixture import format_time
from devkit.inspector.action import order_replay
from devkit.inspector.browse import PAGE, find_messages, find_rows
from devkit.inspector.detail import read_detail
from devkit.inspector.order import Order, read_transport
from devkit.inspector.page import checked
from devkit.inspector.query import EVENT_KINDS, Query, read_query, whole_number
from devkit.inspector.row import Row
from devkit.inspector.source import Sources, as_json
from devkit.replay.rework import Edits

_MOST = 500  # of a page
_SHOWN = 40  # characters of a wrong value
_MAX_DEPTH = 8


def api(sources: Sources) -> Blueprint:
    """List, one, replay; events are in `stream`."""
    part = Blueprint("api", "devkit.inspector", url_prefix="/api")

    @part.route("/receipts", methods=["GET", "POST"])
    def receipts() -> dict[str, object]:
        query, limit = _query()
        sources.index.refresh()
        if query.kind in EVENT_KINDS:
            events = sources.feed.kept(query.kind)[:limit]
            return {"events": [as_json(sources.store, each) for each in events], "next": ""}
        rows, before = find_rows(sources.index, sources.rows, query, sources.clock(), limit=limit)
        return {"receipts": [row_json(row, query.numbers) for row in rows], "next": before}

    @part.route("/messages", methods=["GET", "POST"])
    def messages() -> dict[str, object]:
        query, limit = _query()
        sources.index.refresh()
        page = find_messages(sources.index, sources.rows, query, sources.clock(), limit=limit)
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
        sources.index.refresh()
        numbers = request.args.get("numbers") in ("1", "true", "on")
        detail = read_detail(sources, checked(sources, key), numbers=numbers)
        if detail is None:
            abort(404)
        explanation = detail.explanation
        return {
            **row_json(detail.row, numbers),
            "file": detail.file,
            "fields": {each.name: each.value for each in explanation.fields},
            "status_meaning": explanation.status_meaning,
            "advice": explanation.advice,
            "traps": explanation.traps,
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
            "answers": [as_json(sources.store, each) for each in detail.answers],
            "replays": [as_json(sources.store, each) for each in detail.replays],
        }

    @part.post("/receipts/<path:key>/replay")
    def replay(key: str) -> dict[str, object]:
        done = order_replay(sources, checked(sources, key), json_order(_document()))
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


def json_order(document: object) -> Order:
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
    return Order(
        to=str(given.get("to", "")),
        edits=Edits(
            read_transport(str(given.get("as", ""))),
            tuple((str(name), str(value)) for name, value in sets.items()),
            tuple(map(str, unsets)),
        ),
        now=given.get("now") is True,
        resign=given.get("resign") is True,
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
    except BadDocument as error:
        raise UsageError(f"The body cannot be read: {error}.", hint="Send one JSON object.") from None


def _error(error: DevkitError) -> tuple[Response, int]:
    return jsonify(error=error.message, hint=error.hint), 400


def _http_error(error: HTTPException) -> tuple[Response, int]:
    return jsonify(error=error.name, hint=""), error.code or 500
