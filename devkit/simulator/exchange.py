"""A request to the platform and its answer, independent of the web framework."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

_MAX_FIELDS = 100


@dataclass(frozen=True, slots=True, repr=False)
class ApiRequest:
    """A request. fields: of query, body and the credentials in a legacy path; those of the body take precedence.

    trace_id: identifies the answer in the platform's logs; the caller may choose it.
    """

    fields: Mapping[str, str]
    authorization: str = ""
    wants_xml: bool = False
    trace_id: str = ""


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


def json_response(
    document: object, status: int = 200, kind: Literal["json", "problem+json"] = "json"
) -> ApiResponse:
    return ApiResponse(status, json.dumps(document).encode("ascii"), f"application/{kind}")


def xml_response(root: str, fields: Mapping[str, object], status: int = 200) -> ApiResponse:
    """An XML document with a `root` element, and in it an element for each field."""
    lines = (f"<{name}>{escape(str(value))}</{name}>" for name, value in fields.items())
    body = f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<{root}>{"".join(lines)}</{root}>\n'
    return ApiResponse(status, body.encode("utf-8"), "application/xml; charset=UTF-8")


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
