"""What scripts send to the inspector's API: any number and any body is answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.inspector.search import whole_number
from tests.support.inspector_client import client
from tests.support.inspector_server import Recordings


@pytest.mark.parametrize("path", ["receipts", "messages", "receipts/{key}/replay"])
@pytest.mark.parametrize(
    "body", [b"[" * 30_000, b'{"x": %s}' % (b"9" * 5000), b"\xff", b"", b"[]", b'{"q": NaN}']
)
def test_a_body_that_is_no_object_is_refused_in_json(recordings: Recordings, path: str, body: bytes) -> None:
    key = recordings.receipt()
    answer = client(recordings).post(
        f"/api/{path.format(key=key)}", data=body, content_type="application/json"
    )

    assert (answer.status_code, answer.mimetype) == (400, "application/json")
    assert answer.get_json()["error"]


@given(st.text(max_size=30) | st.integers().map(str))
def test_a_number_is_an_integer_or_none(text: str) -> None:
    number = whole_number(text, 500)

    assert number is None or (str(number) == text.lstrip("0").rjust(1, "0") and 0 <= number <= 500)


def test_any_cursor_is_answered(recordings: Recordings) -> None:
    session = client(recordings).get("/api/events").get_json()["after"].partition("-")[0]
    for after in ("x", "-", f"{session}-", f"{session}-{'9' * 5000}", f"{session}-\u0661", f"{session}--1"):
        assert client(recordings).get("/api/events", query_string={"after": after}).status_code == 200
