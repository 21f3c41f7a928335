"""One deadline for all of a request, a stop that always wins, and the proxy of the environment."""

import gc
import socket
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from devkit.errors import UsageError
from devkit.session import bounded_request
from devkit.session.bounded_request import NoResponse, response_status
from devkit.session.signals import Shutdown, ShutdownRequested
from tests.support.proxy import connect_proxy, https_server
from tests.support.raw_socket import DEADLINE, OK, closed_port, raw_server
from tests.support.slow_server import slow_server

SHORT = 0.3  # seconds; far below the time-outs of single waits
LONG = 600.0  # seconds that nobody waits for
HEAD = b"HTTP/1.1 200 OK\r\n"
HOST = "dlr.example.test"
TOKEN = "t0ken-t0ken-t0ken"


@pytest.fixture(autouse=True)
def no_proxy_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


SLOW = [
    pytest.param(b"", b"", id="silence"),
    pytest.param(b"", b"H", id="first line"),
    pytest.param(HEAD, b"X", id="header name"),
    pytest.param(HEAD, b"X-Header: 1\r\n", id="headers without end"),
    pytest.param(HEAD + b"Content-Length: 9999\r\n\r\n", b"x", id="body"),
    pytest.param(HEAD + b"Connection: close\r\n\r\n", b"x", id="body without a length"),
    pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", id="chunks"),
]


@pytest.mark.parametrize(("first", "drip"), SLOW)
def test_a_response_without_end_ends_at_the_deadline(first: bytes, drip: bytes) -> None:
    with slow_server(first, drip) as server:
        with pytest.raises(NoResponse, match=r"gave no complete response within 0\.3 s$") as caught:
            response_status("GET", f"{server.url}/{TOKEN}", {}, Shutdown(), seconds=SHORT)

        assert server.closed.acquire(timeout=DEADLINE), "the connection stays open"
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(("first", "drip"), SLOW)
def test_stop_ends_it_long_before_the_deadline(first: bytes, drip: bytes) -> None:
    stop = Shutdown()
    with slow_server(first, drip, on_request=stop.request) as server:
        with pytest.raises(ShutdownRequested):
            response_status("GET", server.url, {}, stop, seconds=LONG)

        assert server.closed.acquire(timeout=DEADLINE), "the connection stays open"


def test_a_handshake_that_hangs_ends_at_the_deadline() -> None:
    with slow_server() as server:
        url = server.url.replace("http://", "https://")
        with pytest.raises(NoResponse, match="gave no complete response"):
            response_status("GET", url, {}, Shutdown(), seconds=SHORT)

        assert server.closed.acquire(timeout=DEADLINE), "the connection stays open"


@pytest.mark.parametrize("wants_to_stop", [False, True])
def test_a_name_that_is_never_resolved_ends_in_time(
    monkeypatch: pytest.MonkeyPatch, wants_to_stop: bool
) -> None:
    stop, found = Shutdown(), threading.Event()

    def look_up(*args: object, **options: object) -> list[object]:
        if wants_to_stop:
            stop.request()
        found.wait(DEADLINE)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        with pytest.raises(ShutdownRequested if wants_to_stop else NoResponse):
            response_status("GET", f"https://{HOST}/", {}, stop, seconds=LONG if wants_to_stop else SHORT)
    finally:
        found.set()


def test_a_proxy_that_hangs_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    with slow_server(HEAD, b"X") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with pytest.raises(NoResponse, match="gave no complete response"):
            response_status("GET", f"https://{HOST}/", {}, Shutdown(), seconds=SHORT)

        assert proxy.closed.acquire(timeout=DEADLINE), "the connection stays open"


def test_what_the_body_says_is_read_to_64_kib_and_no_further() -> None:
    with slow_server(HEAD + b"Connection: close\r\n\r\n" + b"x" * 70_000) as server:
        assert response_status("GET", server.url, {}, Shutdown(), seconds=LONG) == 200


@pytest.mark.parametrize("status", [204, 302, 404, 502])
def test_the_status_is_reported_and_no_redirect_is_followed(status: int) -> None:
    reply = f"HTTP/1.1 {status} Words\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    with raw_server([reply.encode()]) as server:
        assert response_status("GET", server.url, {}, Shutdown(), seconds=LONG) == status


def test_a_body_that_breaks_off_changes_nothing() -> None:
    with raw_server([HEAD + b"Content-Length: 9\r\n\r\nx"]) as server:
        assert response_status("GET", server.url, {}, Shutdown(), seconds=LONG) == 200


def test_the_headers_are_ours_and_no_password_of_netrc_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("default login somebody password s3cret-value\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with https_server(HOST, tmp_path / "ca.pem") as server, connect_proxy(server.place) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        response_status("HEAD", f"https://{HOST}/{TOKEN}", {"X-Ours": "1"}, Shutdown(), seconds=LONG)

    (request,) = server.arrived
    headers = dict(request.headers)
    assert (request.method, request.target) == ("HEAD", f"/{TOKEN}")
    assert headers["Host"] == HOST
    assert headers["User-Agent"] == "devkit"
    assert headers["X-Ours"] == "1"
    assert "Authorization" not in headers


def test_the_proxy_of_the_environment_is_used_and_gets_the_name_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with https_server(HOST, tmp_path / "ca.pem") as server, connect_proxy(server.place) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))

        assert response_status("GET", f"https://{HOST}/{TOKEN}", {}, Shutdown(), seconds=LONG) == 200

    assert proxy.asked == [f"CONNECT {HOST}:443"]


def test_no_proxy_is_heeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *rest, **options: look_up("127.0.0.1", *rest, **options)
    )
    with https_server(HOST, tmp_path / "ca.pem") as server, connect_proxy(server.place) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", f"example.com,{HOST}")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))

        assert (
            response_status("GET", f"https://{HOST}:{server.place[1]}/", {}, Shutdown(), seconds=LONG) == 200
        )

    assert proxy.asked == []


def test_this_machine_is_never_reached_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server([OK]) as server, connect_proxy(server.place) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)

        assert response_status("GET", server.url, {}, Shutdown(), seconds=LONG) == 200

    assert proxy.asked == []


def test_a_proxy_that_refuses_is_named_as_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    with connect_proxy(("127.0.0.1", 9), refuses=True) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("http://", "http://user:s3cret-value@"))
        with pytest.raises(NoResponse) as caught:
            response_status("GET", f"https://{HOST}/{TOKEN}", {}, Shutdown(), seconds=LONG)

    assert str(caught.value) == f"the proxy of the environment does not lead to https://{HOST}"


def test_a_proxy_that_is_not_there_is_named_as_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")

    with pytest.raises(NoResponse, match=rf"^the proxy of the environment does not lead to https://{HOST}$"):
        response_status("GET", f"https://{HOST}/", {}, Shutdown(), seconds=LONG)


@pytest.mark.parametrize(
    ("host", "proxy"),
    [(HOST, "gopher://127.0.0.1:9"), (HOST, "http://"), ("a..example.test", ""), ("*.example.test", "")],
)
def test_an_address_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, host: str, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)

    with pytest.raises(NoResponse, match=r"or the proxy of the environment is no usable address$"):
        response_status("GET", f"https://{host}/{TOKEN}", {}, Shutdown(), seconds=LONG)


def test_a_certificate_that_is_not_trusted_is_named_as_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with https_server(HOST, tmp_path / "ca.pem") as server, connect_proxy(server.place) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)

        with pytest.raises(NoResponse, match=rf"^the certificate of https://{HOST} is not accepted"):
            response_status("GET", f"https://{HOST}/", {}, Shutdown(), seconds=LONG)


def test_nobody_there_is_reported_with_the_reason() -> None:
    port = closed_port()

    with pytest.raises(NoResponse, match=rf"^nobody answers at http://127.0.0.1:{port} \(.+\)$"):
        response_status("GET", f"http://127.0.0.1:{port}/{TOKEN}", {}, Shutdown(), seconds=LONG)


@pytest.mark.parametrize("reply", [b"nonsense\r\n\r\n", b""])
def test_what_is_no_response_is_reported(reply: bytes) -> None:
    with raw_server([reply]) as server, pytest.raises(NoResponse) as caught:
        response_status("GET", server.url, {}, Shutdown(), seconds=LONG)

    assert str(caught.value) == f"{server.url} sent no valid response"


def test_what_is_no_url_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        response_status("GET", "gopher://127.0.0.1", {}, Shutdown(), seconds=LONG)


def test_a_system_without_a_free_thread_gives_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)

    with pytest.raises(NoResponse, match=r"^the system has no thread left$"):
        response_status("GET", "http://127.0.0.1:9", {}, Shutdown(), seconds=LONG)


def test_a_connection_that_opens_after_the_deadline_is_cut_at_once() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, closing(bounded_request._Connection()) as connection:
        theirs.settimeout(DEADLINE)
        connection.cut()
        connection.opened(ours)

        assert theirs.recv(1) == b""


def test_no_connection_is_left_open(recwarn: pytest.WarningsRecorder) -> None:
    with raw_server([OK]) as server:
        assert response_status("GET", server.url, {}, Shutdown(), seconds=LONG) == 200
    gc.collect()

    assert list(recwarn) == []


def test_requests_is_loaded_for_the_first_request_only() -> None:
    code = "import sys, devkit.session.reachability; print({'requests', 'urllib3'} & sys.modules.keys())"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
