"""Replay and forward cannot be misused: what is sent, to which machine, and that a fixture is one request."""

import json
import socket
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given

from devkit.errors import FixtureError, UsageError
from devkit.fixture.format import Fixture, dumps, loads
from devkit.http.address import parse_address
from devkit.http.client import push
from devkit.webhook.callback import to_wire
from reliability.fuzz import fuzz
from tests.support.command import run
from tests.support.fixture_example import EXAMPLE
from tests.support.raw_socket import OK, raw_server
from tests.support.recorder import receipt
from tests.support.strategies import fixtures

SECRETS = {
    "VONAGE_API_KEY": "abcd1234",
    "VONAGE_API_SECRET": "Ap1S3cretNeverShown",
    "VONAGE_SIGNATURE_SECRET": "S1gnatureS3cretNeverShown",
    "NGROK_AUTHTOKEN": "2abcDEFauthtokenNeverShown",
    "DEVKIT_CALLBACK_TOKEN": "t0ken_of-this-project",
}


def moved(to: str) -> bytes:
    return f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {to}/taken\r\nContent-Length: 0\r\n\r\n".encode()


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    with raw_server([OK]) as other, raw_server([moved(other.url)]) as target:
        done = run(tmp_path, "replay", "delivered", "--to", target.url, **SECRETS)

    assert done.code == 1
    assert len(target.requests) == 1
    assert other.requests == []


def test_what_is_sent_holds_no_credentials_and_no_token(tmp_path: Path) -> None:
    """Also for a recording with the token in its path and in its headers."""
    recording = tmp_path / "a.json"
    path = f"/webhooks/delivery-receipt/{SECRETS['DEVKIT_CALLBACK_TOKEN']}"
    callback = receipt()
    headers = (*callback.headers, ("X-Original-URI", path), ("X-Encoded", quote(path, safe="")))
    recording.write_bytes(
        dumps(Fixture(EXAMPLE.recorded_at, type(callback)("POST", path, headers, callback.body)))
    )
    with raw_server([OK]) as target:
        done = run(tmp_path, "replay", str(recording), "--to", target.url, **SECRETS)

    assert done.code == 0, done
    (request,) = target.requests
    assert not [name for name, secret in SECRETS.items() if secret.encode() in request]
    assert b"authorization" not in request.lower()


# Not one of these may be connected to. The addresses are reserved for documentation.
ELSEWHERE = [
    *(
        "http://192.0.2.1",
        "http://0.0.0.0",
        "http://0",
        "http://3221225985",
        "http://0xC0000201",
        "http://[2001:db8::1]",
    ),
    *(
        "http://[::]",
        "http://[::ffff:192.0.2.1]",
        "http://[64:ff9b::192.0.2.1]",
        "http://192.0.2.1:80/127.0.0.1",
    ),
    *(
        "http://127.0.0.1@192.0.2.1",
        "http://192.0.2.1#@127.0.0.1",
        "http://192.0.2.1\\@127.0.0.1",
        "http://①⑨②.0.2.1",
    ),
    *(
        "https://192.0.2.1",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "gopher://127.0.0.1:25/x",
        "http://127.0.0.1\r\nX: y",
    ),
]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_what_is_not_on_this_machine_is_refused_before_anything_is_sent(url: str) -> None:
    """A connection elsewhere would fail with another error: see tests/support/loopback_only.py."""
    with pytest.raises(UsageError):
        push(receipt(), parse_address(url), connect_timeout=0.01)


def test_a_name_that_changes_between_check_and_connection_gains_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, asked = socket.getaddrinfo, []

    def changing(host: str | bytes, *args: object, **options: object) -> object:
        if host not in ("rebind.example.test", b"rebind.example.test"):
            return real(host, *args, **options)  # type: ignore[arg-type]
        asked.append(host)
        return real("127.0.0.1" if len(asked) == 1 else "192.0.2.1", *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    with raw_server([OK]) as target:
        answer = push(receipt(), parse_address(f"http://rebind.example.test:{target.place[1]}/dlr"))

    assert answer.status == 200
    assert len(asked) == 1


INJECTED = "x\r\nX-Injected: 1\r\n\r\nGET /second HTTP/1.1"


@pytest.mark.parametrize("part", ["method", "target", "name", "value"])
@pytest.mark.parametrize("bad", [INJECTED, "x\ny", "x\ry", "x\0y"])
def test_a_fixture_that_would_make_two_requests_of_one_is_refused(part: str, bad: str) -> None:
    if (part, bad) == ("target", "x\0y"):
        pytest.skip("a target with NUL can arrive, and goes out as it came")
    document = json.loads(dumps(EXAMPLE))
    request = document["request"]
    if part in ("name", "value"):
        request["headers"].append([bad, "v"] if part == "name" else ["X", bad])
    else:
        request[part] = bad if part == "method" else f"/{bad}"

    with pytest.raises(FixtureError):
        loads(json.dumps(document).encode(), "a.json")


@fuzz
@given(fixtures)
def test_whatever_loads_goes_out_as_one_head(fixture: Fixture) -> None:
    callback = loads(dumps(fixture), "a.json").callback

    head, end, rest = to_wire(callback).partition(b"\r\n\r\n")

    assert end
    assert rest == callback.body
    assert len(head.split(b"\r\n")) == 1 + len(callback.headers)
    assert head.count(b"\n") == head.count(b"\r") == len(callback.headers)
