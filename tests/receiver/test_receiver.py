from collections.abc import Iterator

import pytest

from devkit.http.request import ReceivedRequest
from devkit.receiver.app import IncomingRequest, TokenAccess, classify
from devkit.webhook.callback import (
    CALLBACK_PATH,
    REPLAY_HEADER,
    TRIGGER_HEADER,
    Callback,
    Transport,
    compose,
    to_wire,
)
from tests.support.application import BOTH, OURS, TOKEN, RecordingHandler, Serving
from tests.support.raw_socket import Place, talk

FIELDS = {"msisdn": "447700900001", "messageId": "0A0000001234567B", "status": "delivered"}
PUBLIC = ("Host", "dlr.example.test")


@pytest.fixture
def handler() -> RecordingHandler:
    return RecordingHandler()


@pytest.fixture(params=BOTH)
def running(request: pytest.FixtureRequest) -> Serving:
    serving: Serving = request.param
    return serving


@pytest.fixture
def place(handler: RecordingHandler, running: Serving) -> Iterator[Place]:
    with running(handler) as place:
        yield place


def get(target: str, *headers: tuple[str, str], method: str = "GET") -> Callback:
    return Callback(method, target, (*(headers or (PUBLIC,)), ("Connection", "close")))


def status_of(place: Place, callback: Callback) -> int:
    """The status of an answer that says no word more than it must."""
    head, _, body = talk(place, to_wire(callback)).partition(b"\r\n\r\n")
    names = {line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:]}
    assert body == b""
    assert names <= {b"connection", b"content-length", b"date", b"allow"}
    return int(head.split()[1])


def with_close(callback: Callback) -> Callback:
    return Callback(
        callback.method, callback.target, (*callback.headers, ("Connection", "close")), callback.body
    )


@pytest.mark.parametrize("transport", ["get", "form", "json"])
def test_a_receipt_arrives_to_the_byte_in_each_transport(
    place: Place, handler: RecordingHandler, transport: Transport
) -> None:
    callback = with_close(compose(FIELDS, transport, target=OURS, host="dlr.example.test"))

    assert status_of(place, callback) == 200
    assert handler.requests == [IncomingRequest("receipt", callback)]


@pytest.mark.parametrize("target", [f"/{OURS}", OURS.replace("t0ken", "%740ken"), f"%2F{OURS[1:]}"])
def test_a_path_is_known_with_slashes_in_front_and_percent_encoded(
    place: Place, handler: RecordingHandler, target: str
) -> None:
    expected = (200, ["receipt"]) if target.startswith("/") else (404, ["refused"])

    assert (status_of(place, get(f"{target}?status=delivered")), handler.kinds) == expected


@pytest.mark.parametrize(
    "query", ["a=%41%zz%7e", "a=b;c=d", "a=//&&=", "a=+%2B%00", "\xff=caf\xe9", "a=1?b=2"]
)
def test_the_query_is_kept_to_the_byte(place: Place, handler: RecordingHandler, query: str) -> None:
    assert status_of(place, get(f"{OURS}?{query}")) == 200
    assert handler.requests[0].callback.target == f"{OURS}?{query}"


@pytest.mark.parametrize("path", [CALLBACK_PATH, OURS])
@pytest.mark.parametrize(
    "start",
    ["http:", "HTTP:", "http://", "http://127.0.0.1:3000", "https://localhost", "http:///", "x:", "x"],
)
def test_a_target_that_is_not_a_path_is_not_admitted(
    place: Place, handler: RecordingHandler, path: str, start: str
) -> None:
    asked = get(f"{start}{path}?status=delivered", ("Host", "127.0.0.1:3000"))

    assert status_of(place, asked) == 404
    assert handler.kinds == ["refused"]


@pytest.mark.parametrize("path", [CALLBACK_PATH, OURS])
@pytest.mark.parametrize("control", ["\t", "\0", "\x01", "\x0b", "\x1f", "\x7f"])
def test_a_target_with_a_control_character_is_not_admitted(
    place: Place, handler: RecordingHandler, path: str, control: str
) -> None:
    for target in (f"{path[:9]}{control}{path[9:]}?status=delivered", f"{path}?status={control}"):
        assert status_of(place, get(target, ("Host", "127.0.0.1:3000"))) == 400

    assert handler.requests == []


@pytest.mark.parametrize("body", [b"", b"\x00\xff\xfe", b"{not json", b"a=%zz\r\n\r\n", b"x" * 65536])
def test_any_body_is_kept_to_the_byte(place: Place, handler: RecordingHandler, body: bytes) -> None:
    head = (PUBLIC, ("Content-Length", str(len(body))), ("Content-Type", "text/x"), ("Connection", "close"))

    assert status_of(place, Callback("POST", OURS, head, body)) == 200
    assert (handler.kinds, handler.requests[0].callback.body) == (["receipt"], body)


@pytest.mark.parametrize("body", [b"{}", b'{"status":"delivered"}', b"status=delivered"])
def test_a_get_with_a_body_and_no_query_is_no_probe(
    place: Place, handler: RecordingHandler, body: bytes
) -> None:
    head = (PUBLIC, ("Content-Length", str(len(body))), ("Connection", "close"))

    assert status_of(place, Callback("GET", OURS, head, body)) == 200
    assert (handler.kinds, handler.requests[0].callback.body) == (["receipt"], body)


def test_a_get_without_a_query_and_with_an_empty_body_is_a_probe(
    place: Place, handler: RecordingHandler
) -> None:
    assert status_of(place, get(OURS, PUBLIC, ("Content-Length", "0"))) == 200
    assert handler.kinds == ["probe"]


@pytest.mark.parametrize("answer", [200, 401, 503])
def test_the_client_gets_the_status_of_the_handler(
    place: Place, handler: RecordingHandler, answer: int
) -> None:
    handler.answer = answer

    assert status_of(place, get(f"{OURS}?status=delivered")) == answer


@pytest.mark.parametrize("target", [OURS, f"{OURS}?"])
def test_a_get_without_parameters_is_a_probe(place: Place, handler: RecordingHandler, target: str) -> None:
    assert status_of(place, get(target)) == 200
    assert handler.kinds == ["probe"]


def test_head_is_answered_without_the_handler(place: Place, handler: RecordingHandler) -> None:
    assert status_of(place, get(f"{OURS}?status=delivered", method="HEAD")) == 200
    assert handler.requests == []


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"]
)
@pytest.mark.parametrize(
    "target",
    [
        CALLBACK_PATH,
        f"{CALLBACK_PATH}/",
        f"{CALLBACK_PATH}/guess",
        f"{CALLBACK_PATH}/{TOKEN[:-1]}",
        f"{CALLBACK_PATH}/{TOKEN.upper()}",
        f"{OURS}/",
        f"{OURS}/more",
        f"{CALLBACK_PATH}//{TOKEN}",
        f"/webhooks//delivery-receipt/{TOKEN}",
        f"{CALLBACK_PATH}/%C3%A9%FF",
        f"{CALLBACK_PATH}/guess?token={TOKEN}",
    ],
)
def test_without_the_token_everything_is_404(
    place: Place, handler: RecordingHandler, method: str, target: str
) -> None:
    assert status_of(place, get(target, method=method)) == 404
    assert {(incoming.kind, incoming.status) for incoming in handler.requests} == {("refused", 404)}


@pytest.mark.parametrize(
    "path", ["/", "/static/x", "/favicon.ico", "/robots.txt", "/api/receipts", "/..", "/console", "*"]
)
def test_nothing_else_is_served(place: Place, handler: RecordingHandler, path: str) -> None:
    assert status_of(place, get(path, ("Host", "127.0.0.1"))) == 404
    assert handler.kinds == ["refused"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
def test_only_with_the_token_the_405_lists_the_methods(
    place: Place, handler: RecordingHandler, method: str
) -> None:
    assert status_of(place, get(OURS, method=method)) == 405
    assert [(incoming.kind, incoming.status) for incoming in handler.requests] == [("refused", 405)]
    assert b"Allow: GET, HEAD, POST\r\n" in talk(place, to_wire(get(OURS, method=method)))


def test_a_refusal_does_not_depend_on_the_handler(place: Place, handler: RecordingHandler) -> None:
    handler.answer = 200

    assert status_of(place, get(f"{CALLBACK_PATH}/guess?status=delivered")) == 404


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:3000", "127.0.0.1:3000", "127.9.9.9", "[::1]:3000", "[::1]"]
)
def test_the_bare_path_is_open_to_this_machine(place: Place, handler: RecordingHandler, host: str) -> None:
    assert status_of(place, get(f"{CALLBACK_PATH}?status=delivered", ("Host", host))) == 200
    assert handler.kinds == ["receipt"]


@pytest.mark.parametrize(
    "headers",
    [
        [("Host", "dlr.example.test")],
        [("Host", "localhost.example.test")],
        [("Host", "127.0.0.1.example.test")],
        [("Host", "192.0.2.1")],
        [("Host", "")],
        [("X-No-Host", "")],
        [("Host", "localhost"), ("Host", "dlr.example.test")],
        [("Host", "localhost"), ("X-Forwarded-For", "192.0.2.1")],
        [("Host", "localhost"), ("x-forwarded-host", "a.test")],
        [("Host", "localhost"), ("Forwarded", "")],
        [("Host", "localhost"), ("VIA", "1.1 proxy")],
        [("Host", "localhost"), ("X-Original-Host", "a.test")],
        [("Host", "localhost"), ("x-client-ip", "192.0.2.1")],
        [("Host", "evillocalhost")],
        [("Host", "a.localhost")],
        [("Host", "localhost.")],
        [("Host", "127.0.0.1%2f@a.test")],
        [("Host", "[::1")],
    ],
)
def test_the_bare_path_is_closed_to_requests_from_elsewhere(
    place: Place, handler: RecordingHandler, headers: list[tuple[str, str]]
) -> None:
    assert status_of(place, get(f"{CALLBACK_PATH}?status=delivered", *headers)) == 404
    assert handler.kinds == ["refused"]


def test_without_a_token_the_bare_path_is_open_to_everybody(
    handler: RecordingHandler, running: Serving
) -> None:
    with running(handler, token="") as place:
        assert status_of(place, get(f"{CALLBACK_PATH}?status=delivered")) == 200
        assert status_of(place, get(f"{CALLBACK_PATH}/any?status=delivered")) == 404

    assert handler.kinds == ["receipt", "refused"]


@pytest.mark.parametrize(
    ("host", "header", "kind"),
    [
        ("127.0.0.1", REPLAY_HEADER, "replay"),
        ("127.0.0.1", TRIGGER_HEADER, "triggered"),
        ("dlr.example.test", REPLAY_HEADER, "receipt"),
        ("dlr.example.test", TRIGGER_HEADER, "receipt"),
    ],
)
def test_devkit_s_headers_count_on_this_machine_only(
    place: Place, handler: RecordingHandler, host: str, header: str, kind: str
) -> None:
    assert status_of(place, get(f"{OURS}?status=delivered", ("Host", host), (header, "1"))) == 200
    assert handler.kinds == [kind]


@pytest.mark.parametrize("header", [REPLAY_HEADER, TRIGGER_HEADER])
def test_a_header_of_devkit_s_that_was_forwarded_does_not_count(
    place: Place, handler: RecordingHandler, header: str
) -> None:
    headers = [("Host", "127.0.0.1"), (header, "1"), ("X-Forwarded-For", "127.0.0.1")]

    assert status_of(place, get(f"{OURS}?status=delivered", *headers)) == 200
    assert handler.kinds == ["receipt"]


def test_a_chunked_receipt_is_taken_with_a_note(place: Place, handler: RecordingHandler) -> None:
    head = f"POST {OURS} HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"

    talk(place, head.encode() + b"10\r\nstatus=delivered\r\n0\r\n\r\n")

    assert handler.requests[0].callback.body == b"status=delivered"
    assert "chunks" in handler.requests[0].captured


LOCAL = ("Host", "127.0.0.1:3000")


@pytest.mark.parametrize(
    ("method", "target", "headers", "remote", "kind", "status"),
    [
        ("GET", f"{OURS}?status=delivered", [PUBLIC], "192.0.2.1", "receipt", 200),
        ("POST", OURS, [PUBLIC], "192.0.2.1", "receipt", 200),
        ("GET", OURS, [PUBLIC], "192.0.2.1", "probe", 200),
        ("HEAD", f"{OURS}?status=delivered", [PUBLIC], "192.0.2.1", "head", 200),
        ("PUT", OURS, [PUBLIC], "192.0.2.1", "refused", 405),
        ("PUT", f"{OURS}x", [PUBLIC], "192.0.2.1", "refused", 404),
        ("HEAD", "/", [LOCAL], "127.0.0.1", "refused", 404),
        ("GET", f"{CALLBACK_PATH}?a", [LOCAL], "127.0.0.1", "receipt", 200),
        ("GET", f"{CALLBACK_PATH}?a", [LOCAL], "192.0.2.1", "refused", 404),
        ("GET", f"{CALLBACK_PATH}?a", [PUBLIC], "127.0.0.1", "refused", 404),
        ("POST", f"{OURS}?a", [LOCAL, (REPLAY_HEADER, "1")], "127.0.0.1", "replay", 200),
        ("POST", f"{OURS}?a", [LOCAL, (REPLAY_HEADER, "1")], "192.0.2.1", "receipt", 200),
        ("POST", f"{OURS}?a", [LOCAL, (TRIGGER_HEADER, "1")], "127.0.0.1", "triggered", 200),
        ("POST", f"{OURS}?a", [LOCAL, (TRIGGER_HEADER, "1")], "192.0.2.1", "receipt", 200),
        (
            "POST",
            f"{OURS}?a",
            [LOCAL, (TRIGGER_HEADER, "1"), (REPLAY_HEADER, "1")],
            "127.0.0.1",
            "replay",
            200,
        ),
        ("GET", f"http://127.0.0.1:3000{OURS}?a", [LOCAL], "127.0.0.1", "refused", 404),
    ],
)
def test_a_request_is_classified_without_a_server(
    method: str, target: str, headers: list[tuple[str, str]], remote: str, kind: str, status: int
) -> None:
    callback = Callback(method, target, tuple(headers))

    incoming = classify(ReceivedRequest(callback, remote, "a note"), TokenAccess(TOKEN))

    assert (incoming.kind, incoming.status) == (kind, status)
    assert (incoming.callback, incoming.captured) == (callback, "a note")
