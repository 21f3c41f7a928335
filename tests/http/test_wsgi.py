from io import BytesIO
from typing import Any

import pytest

from devkit.http.request import FOLDED_KEY, HEADERS_KEY, callback_of
from devkit.webhook.callback import Callback


def environ(**given: Any) -> dict[str, Any]:
    """What a plain WSGI server hands over."""
    return {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/", "wsgi.input": BytesIO(), **given}


def test_what_the_own_server_hands_over_is_exact_and_has_no_note() -> None:
    pairs = (("hOst", "a.test"), ("X-a", "1"), ("x-A", ""))
    given = environ(
        **{"REQUEST_METHOD": "POST", HEADERS_KEY: pairs, FOLDED_KEY: False, "REQUEST_URI": "//%7e?a;b"}
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


def test_each_thing_that_is_not_exact_is_noted() -> None:
    given = environ(
        **{HEADERS_KEY: (("TRANSFER-encoding", "chunked"),), FOLDED_KEY: True, "REQUEST_URI": "/"}
    )

    assert callback_of(given, b"")[1] == (
        "a header that was folded over several lines was joined; the body arrived in chunks and was joined"
    )
