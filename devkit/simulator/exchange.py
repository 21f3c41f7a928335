"""A request to the platform and its answer, independent of the web framework."""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from devkit.errors import UsageError
from devkit.http.address import parse_address
from devkit.simulator.options import SimulatorOptions
from devkit.webhook.strict_json import InvalidJson, parse

_MAX_FIELDS = 100
_MAX_DEPTH = 32  # an application has 6
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, repr=False)
class ApiRequest:
    """A request. fields: of path, query and body; of a name in several, that of the body counts.

    in_path: the variable parts of the path, by name.
    trace_id: identifies the answer in the platform's logs; the caller may choose it. body: its bytes, for APIs of
    nested JSON.
    """

    method: str
    fields: Mapping[str, str]
    in_path: Mapping[str, str]
    authorization: str
    wants_xml: bool
    trace_id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """An answer. hang_up: close the connection and send nothing of it."""

    status: int
    body: bytes
    content_type: str = "application/json"
    hang_up: bool = False
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class GivenCredentials:
    """The credentials in a request. api_secret: empty without one; the SMS API takes a signature instead."""

    api_key: str
    api_secret: str = field(repr=False)


def read_fields(query: str, body: bytes) -> dict[str, str]:
    """The fields of query and body. Of a repeated name, the last value.

    The body is parsed by its content, not by its Content-Type: after its first JSON call, the vonage SDK (4.9.1) sends
    forms with the Content-Type of JSON.
    """
    text = body.decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        return {**_pairs(query), **_json_fields(text)}
    return {**_pairs(query), **_pairs(text)}


def credentials(request: ApiRequest) -> GivenCredentials:
    """The credentials of Basic authentication, else of the fields; empty without either."""
    scheme, _, encoded = request.authorization.partition(" ")
    if scheme.lower() == "basic":
        key, _, secret = _decode(encoded).partition(":")
        return GivenCredentials(key, secret)
    return GivenCredentials(request.fields.get("api_key", ""), request.fields.get("api_secret", ""))


def is_owner(request: ApiRequest, options: SimulatorOptions) -> bool:
    """Whether the request has the account's key and secret."""
    given = credentials(request)
    expected = f"{options.api_key}:{options.api_secret}".encode()
    return hmac.compare_digest(f"{given.api_key}:{given.api_secret}".encode("utf-8", "replace"), expected)


# Of a message: a number, or a name of at most 11 printable characters.
SENDER = re.compile(r"\+?\d{1,15}|[ -~]{1,11}", re.ASCII)
MAX_CLIENT_REF = 100  # characters


def is_http_url(text: str) -> bool:
    try:
        parse_address(text)
    except UsageError:
        return False
    return text.startswith(("http://", "https://"))  # an address may lack the scheme


def count_in(fields: Mapping[str, str], name: str, default: int, highest: int) -> int:
    """A field as a count from 1 to the highest; the default when it is missing or no count."""
    text = fields.get(name, "")
    is_count = text.isascii() and text.isdecimal() and len(text) < 6
    return min(max(1, int(text)), highest) if is_count else default


def json_object(request: ApiRequest) -> dict[str, Any] | None:
    """The JSON object in the body, whatever its Content-Type; None without one."""
    try:
        document = parse(request.body, max_depth=_MAX_DEPTH)
    except InvalidJson:
        return None
    return document if isinstance(document, dict) else None


def json_response(document: object, status: int = 200) -> ApiResponse:
    return ApiResponse(status, json.dumps(document).encode("ascii"))


def error(request: ApiRequest, status: int, label: str) -> ApiResponse:
    """An error of the older APIs: the status again, as text, and a label."""
    document = {"error-code": str(status), "error-code-label": label}
    if request.wants_xml:
        return xml_response("response", document, status)
    return json_response(document, status)


def problem(
    request: ApiRequest, status: int, type_: str, title: str, detail: str, **more: object
) -> ApiResponse:
    """An error of the newer APIs (RFC 9457). `instance` is the trace id. more: fields at the end."""
    document = {"type": type_, "title": title, "detail": detail, "instance": request.trace_id, **more}
    return json_response({name: value for name, value in document.items() if value != ""}, status)


def xml_response(root: str, fields: Mapping[str, object], status: int = 200) -> ApiResponse:
    """An XML document with a `root` element, and in it an element for each field."""
    body = (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<{root}>{xml_elements(fields)}</{root}>\n'
    )
    return ApiResponse(status, body.encode("utf-8"), "application/xml; charset=UTF-8")


def xml_elements(fields: Mapping[str, object]) -> str:
    """An XML element for each field. What XML cannot hold, such as a control character, becomes `?`."""
    return "".join(
        f"<{name}>{escape(_NOT_XML.sub('?', str(value)))}</{name}>" for name, value in fields.items()
    )


def _pairs(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=_MAX_FIELDS))
    except ValueError:  # too many fields
        return {}


def _json_fields(text: str) -> dict[str, str]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {str(name): _text(value) for name, value in document.items() if value is not None}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _decode(encoded: str) -> str:
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
