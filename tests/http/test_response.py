from collections.abc import Callable, Iterable
from http.client import HTTPResponse
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.http.response import MAX_BODY, InvalidResponse, ReceivedResponse, read_response


def coming_in(*parts: bytes) -> Callable[[int], bytes]:
    """A connection that gives these parts, then closes."""
    left = iter(parts)
    return lambda size: next(left, b"")


def read(*parts: bytes, method: str = "GET") -> ReceivedResponse:
    return read_response(coming_in(*parts), method)


WHOLE = {
    "a length": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
    "no body": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
    "a length that is said twice": (b"HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nhi", b"hi"),
    "chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2;x=y\r\nhi\r\n1 \r\n!\r\n0\r\n\r\n",
        b"hi!",
    ),
    "chunks and a length": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        b"hi",
    ),
    "trailers": (b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n", b""),
    "bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", b"hi"),
    "interim answers": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"hi",
    ),
    "HTTP/1.0 that keeps the connection": (
        b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nhi",
        b"hi",
    ),
}


@pytest.mark.parametrize(("answer", "body"), WHOLE.values(), ids=WHOLE)
def test_a_complete_response_leaves_the_connection_reusable(answer: bytes, body: bytes) -> None:
    assert read(answer) == ReceivedResponse(200, body, reusable=True)


@pytest.mark.parametrize(("answer", "body"), WHOLE.values(), ids=WHOLE)
def test_the_size_of_the_parts_changes_nothing(answer: bytes, body: bytes) -> None:
    assert read(*(answer[place : place + 1] for place in range(len(answer)))) == ReceivedResponse(
        200, body, True
    )


@given(st.lists(st.sampled_from([b"\r\n", b"\n", b"\r", b"A: b", b"Content-Length: 1", b"0", b" "])))
def test_the_size_of_the_parts_changes_nothing_with_any_line_ends(pieces: list[bytes]) -> None:
    answer = b"HTTP/1.1 200 OK\r\n" + b"".join(pieces) + b"\r\n\r\nx"

    def outcome(parts: list[bytes]) -> ReceivedResponse | None:
        try:
            return read(*parts)
        except InvalidResponse:
            return None

    whole, cut = outcome([answer]), outcome([bytes([byte]) for byte in answer])

    # In parts, the bytes after the response have not arrived when it ends.
    assert (whole and (whole.status, whole.body)) == (cut and (cut.status, cut.body))


@pytest.mark.parametrize(("answer", "_body"), WHOLE.values(), ids=WHOLE)
def test_after_surplus_bytes_a_connection_is_not_reusable(answer: bytes, _body: bytes) -> None:
    assert not read(answer + b"HTTP/1.1 500 Left over\r\n\r\n").reusable


@pytest.mark.parametrize(("answer", "_body"), WHOLE.values(), ids=WHOLE)
def test_nothing_is_read_after_the_end_of_a_response(answer: bytes, _body: bytes) -> None:
    def receive(size: int) -> bytes:
        return next(parts)  # StopIteration if it is called again

    parts = iter([answer])

    assert read_response(receive, "GET").status == 200


@pytest.mark.parametrize("status", [204, 304])
def test_some_responses_have_no_body_whatever_their_headers_say(status: int) -> None:
    answer = b"HTTP/1.1 %d Words\r\nContent-Length: 9\r\n\r\n" % status

    assert read(answer) == ReceivedResponse(status, b"", reusable=True)


def test_a_response_to_head_has_no_body() -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    assert read(answer, method="HEAD") == ReceivedResponse(200, b"", reusable=True)


ENDS_THE_CONNECTION = {
    "a target that says so": (
        b"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nhi",
        b"hi",
    ),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
    "a body up to the end": (b"HTTP/1.1 200 OK\r\n\r\nhi", b"hi"),
    "a coding that is not known": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nhi", b"hi"),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi", b""),
    "a length that is no number": (b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi", b""),
    "a body that breaks off": (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", b"hi"),
    "a chunk that breaks off": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhi", b"hi"),
    "chunks that break off": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", b"hi"),
    "a last chunk that breaks off": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX", b""),
    "a chunk of another size": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nhi\r\n0\r\n\r\n",
        b"h",
    ),
    "headers that break off": (b"HTTP/1.1 200 OK\r\nContent-", b""),
    "a header that breaks off": (b"HTTP/1.1 200 OK\r\nContent-Length: 0", b""),
    "a status line that breaks off": (b"HTTP/1.1 200 O", b""),
}


@pytest.mark.parametrize(("answer", "body"), ENDS_THE_CONNECTION.values(), ids=ENDS_THE_CONNECTION)
def test_a_status_counts_when_the_connection_is_not_reusable(answer: bytes, body: bytes) -> None:
    assert read(answer) == ReceivedResponse(200, body, reusable=False)


def test_another_protocol_is_a_response_and_ends_the_connection() -> None:
    assert read(b"HTTP/1.1 101 Switching Protocols\r\nContent-Length: 0\r\n\r\n") == ReceivedResponse(
        101, b"", False
    )


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n",
        b"HTTP/1.1 20",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1  200 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nand nothing more",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nhi\r\n",
    ],
)
def test_invalid_bytes_are_no_response(answer: bytes) -> None:
    with pytest.raises(InvalidResponse):
        read(answer)


@pytest.mark.parametrize(
    "endless",
    [b"x" * 1000, b"X-A: b\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"],
    ids=["a line", "headers", "interim answers"],
)
def test_an_endless_head_is_invalid(endless: bytes) -> None:
    given: list[int] = []

    def receive(size: int) -> bytes:
        assert len(given) < 200_000
        given.append(size)
        return endless if len(given) > 1 else b"HTTP/1.1 100 Continue\r\n"

    with pytest.raises(InvalidResponse):
        read_response(receive, "GET")


@pytest.mark.parametrize(
    "head",
    [b"\r\n", b"Content-Length: 99999999\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n"],
    ids=["to the end", "a length", "a chunk"],
)
def test_of_a_huge_body_the_beginning_is_read(head: bytes) -> None:
    given: list[int] = []

    def receive(size: int) -> bytes:
        given.append(size)
        assert len(given) < 30
        return b"HTTP/1.1 200 OK\r\n" + head if len(given) == 1 else b"x" * 4096

    assert read_response(receive, "GET") == ReceivedResponse(200, b"x" * MAX_BODY, reusable=False)


def test_a_body_of_many_small_chunks_is_joined() -> None:
    chunks = b"1\r\nx\r\n" * MAX_BODY

    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"

    assert read(answer) == ReceivedResponse(200, b"x" * MAX_BODY, reusable=True)


_PIECES = st.lists(
    st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.1 100 ", b"\r\n", b"\n", b"1", b"0", b"f", b"x", b", "])
    | st.sampled_from([b"Content-Length: ", b"Transfer-Encoding: ", b"chunked", b"Connection: close"])
    | st.binary(max_size=5),
    max_size=30,
)


@given(_PIECES, st.sampled_from(["GET", "HEAD"]))
def test_any_bytes_are_a_response_or_invalid(pieces: list[bytes], method: str) -> None:
    outcomes = {
        _outcome([b"".join(pieces)], method),
        _outcome(pieces, method),
        _outcome(_bytes(pieces), method),
    }

    assert len(outcomes) == 1  # however they are split


def _bytes(pieces: Iterable[bytes]) -> list[bytes]:
    return [b"%c" % byte for byte in b"".join(pieces)]


def _outcome(pieces: Iterable[bytes], method: str) -> tuple[int, bytes] | None:
    try:
        reading = read(*filter(None, pieces), method=method)
    except InvalidResponse:
        return None
    return reading.status, reading.body


@given(st.binary(max_size=200), st.sampled_from([200, 201, 400, 503]), st.booleans(), st.integers(1, 50))
def test_a_body_is_read_as_the_standard_library_reads_it(
    body: bytes, status: int, chunked: bool, size: int
) -> None:
    coded = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in _parts(body, size)) + b"0\r\n\r\n"
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    answer = b"HTTP/1.1 %d Words\r\n%b\r\n\r\n%b" % (status, framing, coded if chunked else body)

    assert read(*_parts(answer, size)) == ReceivedResponse(
        status, _by_the_library(answer), reusable=status < 500
    )


@pytest.mark.parametrize(
    ("status", "reusable"),
    [
        (200, True),
        (302, True),
        (404, True),
        (429, True),
        (500, False),
        (503, False),
        (599, False),
        (999, False),
    ],
)
def test_after_a_5xx_a_connection_is_not_reusable(status: int, reusable: bool) -> None:
    answer = b"HTTP/1.1 %d Words\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n" % status

    assert read(answer).reusable is reusable


def _parts(data: bytes, size: int) -> list[bytes]:
    return [data[place : place + size] for place in range(0, len(data), size)]


class _Canned:
    """As much of a socket as HTTPResponse asks for."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> BytesIO:
        return BytesIO(self._data)


def _by_the_library(answer: bytes) -> bytes:
    with HTTPResponse(_Canned(answer)) as response:  # type: ignore[arg-type]
        response.begin()
        return response.read()
