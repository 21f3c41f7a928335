import base64
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import responses

from devkit.errors import ConfigurationError, VonageError
from devkit.vonage.client import TIMEOUT, Credentials, make_client, post_form
from tests.support.raw_socket import closed_port, raw_server

SECRET = "s3cret-value"
CREDENTIALS = Credentials("abcd1234", SECRET)
SETTINGS = "/account/settings"
URL = f"https://rest.nexmo.com{SETTINGS}"
BASIC = "Basic " + base64.b64encode(f"abcd1234:{SECRET}".encode()).decode()


def local(host: str) -> Credentials:
    return Credentials("abcd1234", SECRET, host)


def json_answer(document: object, status: str = "200 OK", *headers: str) -> bytes:
    body = json.dumps(document)
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + f"\r\n\r\n{body}").encode()


def refused(credentials: Credentials = CREDENTIALS) -> VonageError:
    """The error of a call, after a look that it gives nothing away and helps on."""
    with pytest.raises(VonageError) as caught:
        post_form(credentials, SETTINGS, {"drCallBackUrl": "https://dlr.example.test/"})
    error = caught.value
    assert error.hint
    assert all(secret not in error.message + error.hint for secret in (SECRET, BASIC, BASIC.split()[1]))
    assert (error.message + error.hint).isprintable()
    return error


@pytest.fixture
def vonage() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def test_a_form_goes_to_vonage_with_basic_auth_a_time_out_and_its_own_spelling(
    vonage: responses.RequestsMock,
) -> None:
    vonage.post(URL, json={"dr-callback-url": "x"})

    answer = post_form(CREDENTIALS, SETTINGS, {"drCallBackUrl": "https://dlr.example.test/?a=1&b=2"})

    assert answer == {"dr-callback-url": "x"}
    (request,) = (call.request for call in vonage.calls)
    assert request.body == "drCallBackUrl=https%3A%2F%2Fdlr.example.test%2F%3Fa%3D1%26b%3D2"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.headers["Authorization"] == BASIC
    options = vars(request)["req_kwargs"]
    assert (options["timeout"], bool(options["verify"])) == (TIMEOUT, True)


def test_no_parameters_are_an_empty_post(vonage: responses.RequestsMock) -> None:
    vonage.post(URL, json={})

    assert post_form(CREDENTIALS, SETTINGS, {}) == {}
    assert vonage.calls[0].request.body is None
    assert vonage.calls[0].request.headers["Content-Length"] == "0"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "Vonage answered 400"),
        (401, "refused the API key or its secret"),
        (403, "Vonage answered 403"),
        (404, "Vonage answered 404"),
        (420, "Vonage answered 420"),
        (429, "Vonage answered 429"),
        (500, "Vonage answered 500"),
        (503, "Vonage answered 503"),
    ],
)
@pytest.mark.parametrize(
    "body", [json.dumps({"error-code": "1", "you-sent": f"{SECRET} {BASIC}"}), f"<p>\x1b[31m{SECRET}", ""]
)
def test_a_refusal_is_reported_without_the_secret(
    vonage: responses.RequestsMock, status: int, words: str, body: str
) -> None:
    vonage.post(URL, body=body, status=status)

    error = refused()

    assert words in error.message
    assert error.transient == (status in (429, 500, 503))
    assert len(vonage.calls) == 1


@pytest.mark.parametrize("body", ["", "<html>hello</html>", "[]", '"text"', "null", "{", "12"])
def test_200_with_something_else_than_an_object_is_nonsense(
    vonage: responses.RequestsMock, body: str
) -> None:
    vonage.post(URL, body=body, status=200)

    error = refused()

    assert "something other than a JSON object" in error.message
    assert not error.transient


@pytest.mark.parametrize(
    ("failure", "words", "unanswered"),
    [
        (
            requests.ConnectionError(f"https://{SECRET}@rest.nexmo.com"),
            r"gave no complete answer \(ConnectionError\)",
            True,
        ),
        (requests.exceptions.SSLError(SECRET), r"cannot be reached \(SSLError\)", False),
        (requests.exceptions.ProxyError(SECRET), r"cannot be reached \(ProxyError\)", False),
        (requests.exceptions.ChunkedEncodingError(SECRET), "ChunkedEncodingError", True),
        (requests.ReadTimeout(SECRET), "did not answer within 20 s", True),
        (requests.ConnectTimeout(SECRET), "did not answer within 20 s", False),
    ],
)
def test_a_failing_network_is_reported_without_the_librarys_text(
    vonage: responses.RequestsMock, failure: requests.RequestException, words: str, unanswered: bool
) -> None:
    vonage.post(URL, body=failure)

    error = refused()

    assert re.search(words, error.message)
    assert (error.transient, error.unanswered) == (True, unanswered)
    assert len(vonage.calls) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(vonage: responses.RequestsMock, status: int) -> None:
    vonage.post(URL, status=status, headers={"Location": "https://evil.example.com/"})

    assert "redirect" in refused().message
    assert len(vonage.calls) == 1


@pytest.mark.parametrize(
    "host",
    [
        "evil.example.com",
        "rest.nexmo.com.example.com",
        "evilnexmo.com",
        "rest.nexmo.com:8443",
        "rest.nexmo.com@evil.example.com",
        "rest.nexmo.com/..",
        "127.0.0.1.example.com",
        "127.0.0.1:80@evil.example.com:80",
        "192.0.2.1:80",
        "http://127.0.0.1:80",
        "localhost.example.com:80",
        "evillocalhost:80",
        "a.localhost:80",
        "localhost.:80",
        "127.0.0.1%.evil.example.com",
        "127.0.0.1%2f@evil.example.com:80",
        "[::1%2f@evil.example.com]:80",
        "[127.0.0.1]:80",
        "[::1:80",
        "::1]:80",
        "127.0.0.1:65536",
        "rest.nexmo.com%2f@evil.example.com",
        "rest.nexmo.com.",
        "rest.nexmo.com\n",
        "rest.nexmo.com#",
        "",
    ],
)
def test_a_foreign_host_never_gets_the_secret(host: str) -> None:
    with pytest.raises(ConfigurationError, match="VONAGE_REST_HOST") as caught:
        make_client(local(host))

    assert SECRET not in caught.value.message


def test_a_host_that_another_program_reads_differently_never_gets_the_secret() -> None:
    with raw_server([json_answer({})]) as thief:
        with pytest.raises(ConfigurationError, match="VONAGE_REST_HOST"):
            post_form(local(f"127.0.0.1%2f@127.0.0.1:{thief.place[1]}"), SETTINGS, {})

        assert (thief.connections, thief.requests) == (0, [])


@pytest.mark.parametrize(
    ("host", "used"),
    [
        *((name, name) for name in ("rest.nexmo.com", "api.nexmo.com", "api-eu.vonage.com", "127.0.0.1:80")),
        ("REST.Nexmo.com", "rest.nexmo.com"),
        ("LocalHost:080", "localhost:80"),
        ("[0:0:0:0:0:0:0:1]:80", "[::1]:80"),
    ],
)
def test_vonage_and_this_machine_are_allowed(host: str, used: str) -> None:
    assert make_client(local(host)).rest_host == used


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST"])
def test_a_simulator_is_spoken_to_in_plain_http(name: str) -> None:
    with raw_server([json_answer({"a": "b"})]) as server:
        answer = post_form(local(f"{name}:{server.place[1]}"), SETTINGS, {"drCallBackUrl": "x"})

    assert answer == {"a": "b"}
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /account/settings HTTP/1.1\r\n")
    assert BASIC.encode() in head
    assert body == b"drCallBackUrl=x"


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200", json_answer({}, "503 Busy", "Retry-After: 0")])
def test_a_post_is_sent_once_whatever_happens(reply: bytes) -> None:
    with raw_server([reply], [json_answer({})], [json_answer({})]) as server:
        refused(local(f"127.0.0.1:{server.place[1]}"))

        assert server.connections == 1
        assert len(server.requests) == 1


def test_nobody_at_the_host_is_reported() -> None:
    host = f"127.0.0.1:{closed_port()}"

    assert refused(local(host)).message == f"{host} cannot be reached (ConnectionError)."


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server([json_answer({})]) as proxy, raw_server([json_answer({"from": "simulator"})]) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)

        assert post_form(local(f"127.0.0.1:{server.place[1]}"), SETTINGS, {}) == {"from": "simulator"}
        assert proxy.requests == []


def test_a_netrc_file_does_not_take_the_place_of_the_key(
    vonage: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    vonage.post(URL, json={})

    post_form(CREDENTIALS, SETTINGS, {})

    assert vonage.calls[0].request.headers["Authorization"] == BASIC


def test_the_secret_is_in_no_log(vonage: responses.RequestsMock, caplog: pytest.LogCaptureFixture) -> None:
    vonage.post(URL, json={})
    vonage.post(URL, json={"error": SECRET}, status=500)

    with caplog.at_level(logging.DEBUG):
        post_form(CREDENTIALS, SETTINGS, {})
        refused()
        client = make_client(CREDENTIALS)
        vonage.post(URL, json={})
        for _ in range(2):  # the second call would log the headers of the first
            client.post(client.rest_host, SETTINGS, {}, "basic", "form")

    assert len(vonage.calls) == 4
    assert SECRET not in caplog.text
    assert "Authorization" not in caplog.text


def test_the_secret_is_in_no_repr() -> None:
    assert SECRET not in repr(CREDENTIALS)
