"""Attacks on the inspector, over raw sockets: only its own pages and programs on this machine have access."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.fixture.store import Store
from devkit.webhook.callback import FORWARDING_HEADERS
from tests.support.inspector_server import Recordings, running_inspector
from tests.support.raw_socket import DEADLINE, answer_on

Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    return Recordings(Store(tmp_path_factory.mktemp("project") / "fixtures"))


@pytest.fixture(scope="module")
def port(recordings: Recordings) -> Iterator[int]:
    with running_inspector(recordings) as url:
        yield int(url.rpartition(":")[2])


def ask(port: int, *lines: str, body: str = "") -> Answer:
    """What a request of these lines gets; `PORT` in them stands for the port."""
    head = "\r\n".join(line.replace("PORT", str(port)) for line in lines)
    method = lines[0].split(" ")[0]
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as connection:
        connection.sendall(f"{head}\r\n\r\n{body}".encode("latin-1"))
        return answer_on(connection, method)


@pytest.mark.parametrize(
    "host", ["127.0.0.1:PORT", "localhost:PORT", "LOCALHOST:PORT", "[::1]:PORT", "127.0.0.1"]
)
def test_this_machine_has_access_by_any_of_its_names(port: int, host: str) -> None:
    assert ask(port, "GET / HTTP/1.1", f"Host: {host}")[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "rebind.example.com",
        "rebind.example.com:PORT",
        "127.0.0.1.example.com",
        "localhost.example.com:PORT",
        "127.0.0.1:PORT@example.com",
        "example.com#127.0.0.1:PORT",
        "0.0.0.0:PORT",
        "192.168.0.10:PORT",
        "2130706433:PORT",
        "localhost:PORT:80",
        "evillocalhost:PORT",
        "a.localhost:PORT",
        "localhost.:PORT",
        "127.0.0.1%.example.com:PORT",
        "[::1:PORT",
        "[127.0.0.1]:PORT",
        "",
    ],
)
def test_any_other_name_is_refused(port: int, host: str) -> None:
    status, _, body = ask(port, "GET / HTTP/1.1", f"Host: {host}")

    assert status == 403
    assert b"The address must be that of this machine" in body


def test_two_hosts_or_none_are_refused(port: int) -> None:
    assert ask(port, "GET / HTTP/1.1", "Host: 127.0.0.1", "Host: example.com")[0] == 403
    assert ask(port, "GET / HTTP/1.0")[0] == 403


def test_a_target_with_another_host_is_refused(port: int) -> None:
    assert ask(port, "GET http://example.com/ HTTP/1.1", "Host: 127.0.0.1:PORT")[0] == 403
    assert ask(port, "GET http://127.0.0.1:PORT/ HTTP/1.1", "Host: example.com")[0] == 403
    assert ask(port, "GET http:/list HTTP/1.1", "Host: 127.0.0.1:PORT")[0] == 403
    assert ask(port, "GET http://127.0.0.1:PORT/ HTTP/1.1", "Host: 127.0.0.1:PORT")[0] == 200


@pytest.mark.parametrize("name", sorted(FORWARDING_HEADERS))
def test_a_forwarded_request_is_refused(port: int, name: str) -> None:
    status, _, body = ask(port, "GET / HTTP/1.1", "Host: 127.0.0.1:PORT", f"{name.upper()}: 127.0.0.1")

    assert status == 403
    assert b"forwarded" in body


@pytest.mark.parametrize(
    "path", ["/", "/list", "/api/receipts", "/stream", "/static/inspector.js", "/nowhere"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD"])
def test_every_path_and_method_is_guarded(port: int, path: str, method: str) -> None:
    assert ask(port, f"{method} {path} HTTP/1.1", "Host: rebind.example.com", "Content-Length: 0")[0] == 403


@pytest.mark.parametrize(
    "origin",
    ["http://example.com", "null", "http://127.0.0.1:1", "https://127.0.0.1:PORT", "http://localhost:PORT"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_origin_can_neither_read_nor_write(port: int, origin: str, method: str) -> None:
    lines = (f"{method} /list HTTP/1.1", "Host: 127.0.0.1:PORT", f"Origin: {origin}", "Content-Length: 0")
    status, headers, _ = ask(port, *lines)

    assert status == 403
    assert not [name for name in headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_another_site_can_neither_read_nor_write(port: int, site: str) -> None:
    for method in ("GET", "POST"):
        lines = (
            f"{method} / HTTP/1.1",
            "Host: 127.0.0.1:PORT",
            f"Sec-Fetch-Site: {site}",
            "Content-Length: 0",
        )
        assert ask(port, *lines)[0] == 403


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_its_own_page_and_a_typed_url_have_access(port: int, site: str) -> None:
    lines = ("POST /list HTTP/1.1", "Host: 127.0.0.1:PORT", "Origin: http://127.0.0.1:PORT")
    assert ask(port, *lines, f"Sec-Fetch-Site: {site}", "Content-Length: 0")[0] == 200


def test_a_cors_preflight_request_allows_nothing(port: int) -> None:
    lines = ("OPTIONS /api/receipts HTTP/1.1", "Host: 127.0.0.1:PORT", "Access-Control-Request-Method: POST")
    _, headers, _ = ask(port, *lines)

    assert not [name for name in headers if name.lower().startswith("access-control")]


def test_a_replay_by_a_plain_form_of_another_page_is_refused(port: int, recordings: Recordings) -> None:
    key = recordings.receipt()
    form = "to=http%3A%2F%2F127.0.0.1%3A9"
    lines = (f"POST /receipts/{key}/replay HTTP/1.1", "Host: 127.0.0.1:PORT", f"Content-Length: {len(form)}")

    status, _, _ = ask(
        port,
        *lines,
        "Content-Type: application/x-www-form-urlencoded",
        "Origin: http://example.com",
        "Sec-Fetch-Site: cross-site",
        body=form,
    )

    assert status == 403
    assert recordings.event_log.kept("replayed") == []


def test_the_api_takes_json_only_which_no_plain_form_can_send(port: int, recordings: Recordings) -> None:
    key = recordings.receipt()
    lines = (f"POST /api/receipts/{key}/replay HTTP/1.1", "Host: 127.0.0.1:PORT", "Content-Length: 2")

    assert ask(port, *lines, "Content-Type: text/plain", body="{}")[0] == 415


@pytest.mark.parametrize(
    "path",
    [
        "/receipts/../../etc/passwd",
        "/receipts/..%2f..%2f..%2fetc%2fpasswd",
        "/receipts/2026-11-23/%2e%2e/%2e%2e/samples/x.json",
        "/receipts/2026-11-23/134501.000000Z-delivered-0A-%00.json",
        "/api/receipts/%2e%2e/x",
        "/static/..%2fapp.py",
        "/static/../app.py",
        "/diff?a=../x&b=../y",
    ],
)
def test_nothing_but_recordings_can_be_opened(port: int, path: str) -> None:
    assert ask(port, f"GET {path} HTTP/1.1", "Host: 127.0.0.1:PORT")[0] == 404


@pytest.mark.parametrize("path", ["/", "/nowhere", "/static/inspector.js", "/api/receipts", "/api/nowhere"])
def test_every_response_has_the_policy(port: int, path: str) -> None:
    _, headers, _ = ask(port, f"GET {path} HTTP/1.1", "Host: 127.0.0.1:PORT")

    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "Server" not in headers


def test_the_pages_contain_no_foreign_script_style_or_url(port: int, recordings: Recordings) -> None:
    key = recordings.receipt()
    for path in ("/", f"/receipts/{key}?numbers=1", f"/receipts/{key}/keep"):
        page = ask(port, f"GET {path} HTTP/1.1", "Host: 127.0.0.1:PORT")[2].decode()
        assert page.count("<script") == page.count('<script src="/static/') == 1
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick" not in page
        assert "https://" not in page


def test_the_files_that_the_page_needs_are_there(port: int) -> None:
    static = Path(__file__).parents[2] / "devkit" / "inspector" / "static"
    for file in static.iterdir():
        status, _, body = ask(port, f"GET /static/{file.name} HTTP/1.1", "Host: 127.0.0.1:PORT")
        assert (status, body) == (200, file.read_bytes())
