"""Hostile input over raw sockets: no 500, no traceback, no hang, no file outside the directory."""

import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.fixture.format import dumps, load
from devkit.webhook.callback import Callback, to_wire
from reliability.conftest import Figures
from reliability.fuzz import fuzz
from reliability.load import receipt
from reliability.malformed_requests import HEAD, MALFORMED_REQUESTS, OURS
from reliability.running import TOKEN, Running, receiver_in
from tests.support.raw_socket import read_to_end, talk
from tests.support.strategies import callbacks

REVEALING = (b"traceback", b"waitress", b"python", b"devkit", b"<html", b"server:")


@pytest.fixture
def running(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Running]:
    """A receiver with a short timeout. It must accept a receipt at the end, and log nothing."""
    caplog.set_level(logging.WARNING)
    with receiver_in(tmp_path / "fixtures", timeout=2) as running:
        yield running
        with running.connect() as peer:
            peer.sendall(receipt("A11A11A11A11", "a.test", OURS.decode()))
            assert peer.recv(100).startswith(b"HTTP/1.1 200 ")
    assert [record.getMessage() for record in caplog.records] == []
    assert not Path(running.store.root.parent / "escaped").exists()


def statuses_of(running: Running, data: bytes) -> list[int]:
    """The statuses of all responses. Fails when the server hangs, or reveals what it is."""
    with running.connect() as peer:
        try:
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
        except OSError:  # the server closed the connection already
            pass
        answer = read_to_end(peer)
    for word in (*REVEALING, TOKEN.encode().lower()):
        assert word not in answer.lower()
    heads = answer.split(b"HTTP/1.1 ")[1:] if b"HTTP/1.1 " in answer else answer.split(b"HTTP/1.0 ")[1:]
    return [int(head[:3]) for head in heads]


@pytest.mark.parametrize("name", MALFORMED_REQUESTS)
def test_a_malformed_request_gets_no_text_and_the_next_request_is_accepted(
    running: Running, name: str
) -> None:
    data, allowed = MALFORMED_REQUESTS[name]

    statuses = statuses_of(running, data)

    assert statuses
    assert set(statuses) <= allowed, statuses
    files = list(running.store.recorded.rglob("*.json"))
    assert all(b"smuggled" not in path.read_bytes() for path in files)
    assert all(path.parent.parent == running.store.recorded for path in files)
    assert all(dumps(load(path)) == path.read_bytes() for path in files)


pieces = st.sampled_from(
    [
        *(
            b"GET",
            b"POST",
            b" ",
            b"\r\n",
            b"\n",
            b"\r",
            b"\r\n\r\n",
            b"\0",
            b"\t",
            OURS,
            b"/",
            b"?",
            b"#",
            b"%",
            b"//",
        ),
        *(
            b" HTTP/1.1",
            b" HTTP/1.0",
            b"Host: ",
            b"localhost",
            b"Content-Length: ",
            b"Transfer-Encoding: chunked",
        ),
        *(
            b"0",
            b"5",
            b"99999",
            b"-1",
            b"Expect: 100-continue",
            b"Connection: close",
            b"Connection: keep-alive",
        ),
        *(
            b"Content-Type: application/json",
            b"{",
            b'"',
            b"status=delivered",
            b":",
            b";",
            b"\xff",
            b"http://[",
            b"@",
        ),
    ]
) | st.binary(max_size=8)
streams = st.lists(pieces, max_size=40).map(b"".join)


@fuzz
@given(streams | streams.map(lambda rest: HEAD + rest) | st.binary(max_size=200))
def test_any_bytes_get_a_short_answer_or_none(running: Running, data: bytes) -> None:
    # 501: an unknown transfer coding.
    assert {status // 100 for status in statuses_of(running, data) if status != 501} <= {1, 2, 4}


@fuzz
@given(callbacks)
def test_any_callback_is_recorded_as_it_came(running: Running, drawn: Callback) -> None:
    headers = (("Host", "a.test"), ("Content-Length", str(len(drawn.body))), ("Connection", "close"))
    known = set(running.store.recorded.rglob("*.json"))
    # A target with a control character is refused before it becomes a callback.
    query = "".join(char for char in drawn.target if char >= "!" and char != "\x7f")
    callback = Callback("POST", f"{OURS.decode()}?{query}", headers, drawn.body)

    answer = talk(running.place, to_wire(callback))

    assert answer.startswith(b"HTTP/1.1 200 ")
    (path,) = set(running.store.recorded.rglob("*.json")) - known
    assert load(path).callback == callback


def test_how_much_was_tried(figures: Figures) -> None:
    figures.note(
        f"hostile input: {len(MALFORMED_REQUESTS)} malformed requests, 5 x {fuzz.max_examples} random ones: no 500,"
        " no traceback, no hang, no file elsewhere"
    )
