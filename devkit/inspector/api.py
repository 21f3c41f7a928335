"""The inspector's JSON API. Described in docs/inspector.md."""

from collections.abc import Callable, Mapping

from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from devkit.errors import DevkitError, UsageError
from devkit.fixture.format import format_time
from devkit.inspector.context import InspectorContext
from devkit.inspector.conversation import JoinedText
from devkit.inspector.detail import ShownResponse, read_detail
from devkit.inspector.event_stream import event_json
from devkit.inspector.replay_form import ReplayRequest, read_transport, run_replay
from devkit.inspector.row import Row
from devkit.inspector.search import EVENT_KINDS, PAGE, Query, read_query, whole_number
from devkit.inspector.views import recordings_blueprint, shows_numbers
from devkit.replay.transform import Changes
from devkit.webhook.masking import mask_number, mask_numbers_in
from devkit.webhook.strict_json import InvalidJson, parse

_MAX_LIMIT = 500
_SHOWN = 40  # characters of a wrong value
_MAX_DEPTH = 8


def api(context: InspectorContext) -> Blueprint:
    """Lists, one recording, replay. The events are in `event_stream`."""
    part = recordings_blueprint("api", context, "/api")

    @part.route("/receipts", methods=["GET", "POST"])
    def receipts() -> dict[str, object]:
        query, limit = _query()
        if query.kind in EVENT_KINDS:
            events = context.event_log.kept(query.kind)[:limit]
            return {"events": [event_json(context, each) for each in events], "next": ""}
        page = context.search.receipts(query, limit)
        found = [_row_json(context, message.latest, query.numbers) for message in page.messages]
        return {"receipts": found, "next": page.next}

    @part.route("/messages", methods=["GET", "POST"])
    def messages() -> dict[str, object]:
        query, limit = _query()
        page = context.search.messages(query, limit)
        found = [
            {
                "message_id": message.latest.message_id,
                "status": message.status,
                "receipts": message.total,
                "parts": list(message.parts),
                "text": _text_json(message.inbound, query.numbers),
                "newest": [_row_json(context, row, query.numbers) for row in message.rows],
            }
            for message in page.messages
        ]
        return {"messages": found, "next": page.next}

    @part.get("/receipts/<path:key>")
    def one(key: str) -> dict[str, object]:
        numbers = shows_numbers()
        detail = read_detail(context, key, numbers=numbers)
        if detail is None:
            abort(404)
        explanation = detail.explanation
        return {
            **_row_json(context, detail.row, numbers),
            "file": detail.file,
            "fields": {each.name: each.value for each in explanation.fields},
            "status_meaning": explanation.status_meaning,
            "advice": explanation.advice,
            "pitfalls": explanation.pitfalls,
            "timeline": [
                {
                    "key": key,
                    "status": step.receipt.status,
                    "since_first": step.since_first.total_seconds(),
                    "duplicate": step.repeats is not None,
                    "wrong_order": step.overtaken,
                }
                for key, step in detail.steps
            ],
            "answers": [event_json(context, each) for each in detail.answers],
            "replays": [event_json(context, each) for each in detail.replays],
            "responses": [_response_json(each) for each in detail.responses.get(key, ())],
            "corresponds_to": explanation.corresponds_to,
            "signature_detail": explanation.signature_detail,
            "conversation": [_text_json(each, numbers) for each in detail.conversation],
        }

    @part.post("/receipts/<path:key>/replay")
    def replay(key: str) -> dict[str, object]:
        done = run_replay(context, key, _replay_request(_document()))
        return {**done.as_json(), "key": key}

    part.register_error_handler(DevkitError, _error)
    part.register_error_handler(HTTPException, _http_error)
    return part


def _row_json(context: InspectorContext, row: Row, numbers: bool) -> dict[str, object]:
    state = context.responses.state(row.key)
    shown: Callable[[str], str] = str if numbers else mask_number
    return {
        "key": row.key,
        "recorded_at": format_time(row.at),
        "message_id": row.message_id,
        "status": row.status,
        "err_code": row.err_code,
        "meaning": row.meaning,
        "msisdn": shown(row.msisdn),
        "network": row.network,
        "transport": row.transport,
        "signature": row.signature,
        "problem": row.problem,
        "response": state.words if state else "",
        "sender": shown(row.sender),
        "client_ref": shown(row.client_ref),
        "triggered": row.triggered,
        "kind": row.kind,
        "channel": row.channel,
        "who": row.who,
        "message_type": row.inbound.message_type if row.inbound else "",
        "text": (str if numbers else mask_numbers_in)(row.inbound.text) if row.inbound else "",
        "part": row.inbound.part if row.inbound else 0,
        "parts": row.inbound.parts if row.inbound else 0,
    }


def _text_json(text: JoinedText | None, numbers: bool) -> dict[str, object] | None:
    """An inbound text with its parts joined; null for any other webhook."""
    if text is None:
        return None
    shown: Callable[[str], str] = str if numbers else mask_numbers_in
    joined = "".join(shown(piece) for piece, _ in text.pieces)
    return {
        "at": format_time(text.at),
        "text": joined,
        "parts": text.total,
        "missing": text.missing,
        "keys": [row.key for row in text.rows],
    }


def _response_json(response: ShownResponse) -> dict[str, object]:
    logged = response.logged
    return {
        "at": format_time(logged.at),
        "to": logged.to,
        "status": logged.status,
        "ms": logged.ms,
        "problem": logged.problem,
        "sent_again": logged.sent_again,
        "replay": logged.replay,
        "headers": response.headers,
        "body": response.body,
        "is_cut": logged.is_cut,
    }


def _replay_request(document: object) -> ReplayRequest:
    """The request in a script's JSON: `to`, `as`, `set`, `unset`, `now`, `resign`. Raises UsageError."""
    if not isinstance(document, dict):
        raise UsageError(
            "The body is not a JSON object.", hint='Send {} or {"to": "http://127.0.0.1:5000/dlr"}'
        )
    sets, unsets = document.get("set", {}), document.get("unset", [])
    if not isinstance(sets, dict) or not isinstance(unsets, list):
        raise UsageError('"set" is no object, or "unset" is no list.', hint='"set": {"err-code": "2"}')
    return ReplayRequest(
        to=str(document.get("to", "")),
        changes=Changes(
            read_transport(str(document.get("as", ""))),
            tuple((str(name), str(value)) for name, value in sets.items()),
            tuple(map(str, unsets)),
            now=document.get("now") is True,
            resign=document.get("resign") is True,
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
            "Search words may be a phone number, so they are not taken from a URL.",
            hint='POST them: {"q": "..."}',
        )
    limit = values.get("limit", str(PAGE))
    if not (number := whole_number(limit, _MAX_LIMIT)):
        raise UsageError(f"Not a number of receipts: {limit[:_SHOWN]!r}.", hint=f"Use 1 to {_MAX_LIMIT}.")
    return read_query(values), number


def _document() -> object:
    """The JSON in the body of a request. Raises UsageError; 415 for another content type."""
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
