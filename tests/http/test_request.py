from io import BytesIO
from typing import Any

import pytest
from waitress.adjustments import Adjustments

from devkit.http.channel import Parser
from devkit.http.request import CAPTURED_KEY, HEADERS_KEY, callback_of
from devkit.webhook.callback import Callback


def environ(**given: Any) -> dict[str, Any]:
    """What a plain WSGI server hands over."""
    return {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/", "wsgi.input": BytesIO(), **given}


def test_what_the_own_server_hands_over_is_exact_and_has_no_note() -> None:
    pairs = (("hOst", "a.test"), ("X-a", "1"), ("x-A", ""))
    given = environ(
        **{"REQUEST_METHOD": "POST", HEADERS_KEY: pairs, CAPTURED_KEY: "", "REQUEST_URI": "//%7e?a;b"}
    )

    assert callback_of(given, b"body") == (Callback("POST", "//%7e?a;b", pairs, b"body"), "")


@pytest.mark.parametrize("key", ["REQUEST_URI", "RAW_URI"])
def test_the_raw_target_is_taken_under_either_name(key: str) -> None:
    callback, _ = callback_of(environ(**{key: "/%7e?%zz", "PATH_INFO": "/~"}), b"")

    assert callback.target == "/%7e?%zz"


def test_without_a_raw_target_it_is_rebuilt_and_noted() -> None:
    given = environ(SCRIPT_NAME="/app", PATH_INFO="/caf\xc3\xa9 x", QUERY_STRING="a=%41")

    callback, note = callback_of(given, b"")

    assert callback.target == "/app/caf%C3%A9%20x?a=%41"
    assert "the target was rebuilt" in note


def test_merged_headers_get_their_usual_names_and_a_note() -> None:
    given = environ(RAW_URI="/", HTTP_X_FORWARDED_FOR="192.0.2.1", CONTENT_TYPE="text/x", CONTENT_LENGTH="")

    callback, note = callback_of(given, b"")

    assert callback.headers == (("Content-Type", "text/x"), ("X-Forwarded-For", "192.0.2.1"))
    assert note == "headers were merged, renamed and reordered by the WSGI server"


def test_a_body_in_chunks_is_noted_under_another_server() -> None:
    given = environ(RAW_URI="/", HTTP_TRANSFER_ENCODING="chunked")

    assert callback_of(given, b"")[1] == (
        "headers were merged, renamed and reordered by the WSGI server; the body arrived in chunks and was joined"
    )


HEAD = b"POST /%7e?a;b HTTP/1.1\r\nhOst: a.test\r\nX-a: 1\r\nx-A: \r\n"
PAIRS = (("hOst", "a.test"), ("X-a", "1"), ("x-A", ""))


@pytest.mark.parametrize(
    ("more", "body", "headers", "note"),
    [
        (b"Content-Length: 4\r\n", b"body", (("Content-Length", "4"),), ""),
        (
            b"Content-Length: 4\r\nX-b: 1\r\n  2\r\n",
            b"body",
            (("Content-Length", "4"), ("X-b", "1 2")),
            "a header that was folded over several lines was joined",
        ),
        (
            b"TRANSFER-encoding: chunked\r\n",
            b"4\r\nbody\r\n0\r\n\r\n",
            (("TRANSFER-encoding", "chunked"),),
            "the body arrived in chunks and was joined",
        ),
        (
            b"Transfer-Encoding: chunked\r\nX-b: 1\r\n 2\r\n",
            b"4\r\nbody\r\n0\r\n\r\n",
            (("Transfer-Encoding", "chunked"), ("X-b", "1 2")),
            "a header that was folded over several lines was joined; the body arrived in chunks and was joined",
        ),
    ],
)
def test_the_own_parser_gives_the_same_callback_with_and_without_wsgi(
    more: bytes, body: bytes, headers: tuple[tuple[str, str], ...], note: str
) -> None:
    parser = Parser(Adjustments())
    parser.received(HEAD + more + b"\r\n")
    while not parser.completed:
        body = body[parser.received(body) :]

    received = parser.as_received("192.0.2.1")

    assert received.remote == "192.0.2.1"
    assert received.captured == note
    assert received.callback == Callback("POST", "/%7e?a;b", (*PAIRS, *headers), b"body")
    assert parser.get_body_stream().read() == b"body"
