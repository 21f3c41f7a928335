"""Callbacks as an HTTP Archive (HAR 1.2), which browsers' tools and proxies read."""

import base64
import json
from collections.abc import Sequence
from urllib.parse import parse_qsl

from devkit import __version__
from devkit.callback import Callback, to_wire
from devkit.fixture import Fixture, format_time


def archive(fixtures: Sequence[Fixture]) -> str:
    """The archive's JSON, pure ASCII, with a final newline."""
    log = {
        "version": "1.2",
        "creator": {"name": "vonage-devkit", "version": __version__},
        "entries": [_entry(fixture) for fixture in fixtures],
    }
    return json.dumps({"log": log}, indent=2) + "\n"


def _entry(fixture: Fixture) -> dict[str, object]:
    return {
        "startedDateTime": format_time(fixture.recorded_at),
        "time": 0,
        "request": _request(fixture.callback),
        "response": _RESPONSE,
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
        "comment": fixture.note,
    }


# The format asks for an answer. A fixture has none, but it was recorded, and devkit answers that with an empty 200.
_RESPONSE: dict[str, object] = {
    "status": 200,
    "statusText": "OK",
    "httpVersion": "HTTP/1.1",
    "cookies": [],
    "headers": [],
    "content": {"size": 0, "mimeType": "application/octet-stream"},
    "redirectURL": "",
    "headersSize": -1,
    "bodySize": 0,
    "comment": "not recorded",
}


def _request(callback: Callback) -> dict[str, object]:
    request: dict[str, object] = {
        "method": callback.method,
        "url": _url(callback),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [_pair(name, value) for name, value in callback.headers],
        "queryString": [_pair(name, value) for name, value in _query(callback)],
        "headersSize": len(to_wire(callback)) - len(callback.body),
        "bodySize": len(callback.body),
    }
    if callback.body:
        request["postData"] = _post_data(callback)
    return request


def _url(callback: Callback) -> str:
    target = callback.target
    if "://" in target.partition("?")[0]:
        return target
    scheme = "http" if callback.header("X-Forwarded-Proto") == "http" else "https"
    return f"{scheme}://{callback.header('Host') or 'localhost'}{target}"


def _query(callback: Callback) -> list[tuple[str, str]]:
    # The format wants decoded text; bytes that are none show as question marks here, and exactly in the URL.
    return parse_qsl(callback.query, keep_blank_values=True, errors="replace")


def _post_data(callback: Callback) -> dict[str, object]:
    data: dict[str, object] = {"mimeType": callback.header("Content-Type") or ""}
    try:
        return {**data, "text": callback.body.decode("utf-8")}
    except UnicodeDecodeError:
        text = base64.b64encode(callback.body).decode()
        return {**data, "text": text, "comment": "the text is base64 of the body, which is not UTF-8"}


def _pair(name: str, value: str) -> dict[str, object]:
    return {"name": name, "value": value}
