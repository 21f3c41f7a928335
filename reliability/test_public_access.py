"""Clients that know the public URL but not the token: nothing is recorded, nothing revealed.

Pages in a browser: tests/receiver/test_receiver_page.py.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from devkit.fixture.format import load
from devkit.fixture.store import Store
from devkit.simulator import run_simulator
from devkit.webhook.callback import CALLBACK_PATH, REPLAY_HEADER, Callback, compose, to_wire
from devkit.webhook.signature import Method, sign
from reliability.conftest import Figures
from reliability.running import TOKEN, receiver_in
from tests.support.dev_process import DevProcess, running_dev
from tests.support.raw_socket import Place, talk
from tests.support.standin import install_standin

ASK = f"{CALLBACK_PATH}?status=delivered&messageId=57A46E57A46E"
LOCAL = ("Host", "127.0.0.1:3000")
PUBLIC = ("Host", "dlr.example.test")

# Requests without the token: method, target, headers.
TRIES: list[tuple[str, str, tuple[tuple[str, str], ...]]] = [
    *(
        (method, ASK, (PUBLIC,))
        for method in ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH")
    ),
    *(
        ("GET", f"{CALLBACK_PATH}/{guess}?status=delivered", (PUBLIC,))
        for guess in (
            "x" * 22,
            "%00",
            "..%2f..",
            "*",
            "%2e%2e/inspector",
            "token",
            "",
            "\xe9" * 22,
            "_" * 8000,
        )
    ),
    *(
        ("GET", path, (PUBLIC,))
        for path in (
            *(
                "/",
                "/robots.txt",
                "/.env",
                "/.devkit/callback-token",
                "/.git/config",
                "/static/base.css",
            ),
            *("/receipts", "/api/receipts", "/api/messages", "/stream", "/overview", "/diff", "/console"),
            *(
                "/account/settings",
                "/sms/json",
                "/fixtures/recorded",
                "/..%2f..%2fetc/passwd",
                "//evil.example.com",
            ),
        )
    ),
    ("GET", ASK, (LOCAL,)),
    ("GET", ASK, (("Host", "localhost"),)),
    ("GET", ASK, (("Host", "[::1]"),)),
    ("GET", ASK, (PUBLIC, LOCAL)),
    ("GET", ASK, (LOCAL, PUBLIC)),
    ("GET", f"http://127.0.0.1{ASK}", (PUBLIC,)),
    ("GET", f"http://127.0.0.1{ASK}", (LOCAL,)),
    ("GET", f"http://127.0.0.1:3000{ASK}", (LOCAL,)),
    ("GET", f"http:{ASK}", (LOCAL,)),
    ("GET", ASK, (LOCAL, ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Host", "localhost"))),
    ("GET", ASK, (LOCAL, ("Forwarded", "for=127.0.0.1;host=localhost"))),
    ("GET", ASK, (LOCAL, ("X-Real-IP", "127.0.0.1"))),
    ("GET", ASK, (LOCAL, ("X-Client-IP", "127.0.0.1"), ("X-Original-Host", "localhost"))),
    ("GET", ASK, (LOCAL, (REPLAY_HEADER, "1"))),
    ("GET", ASK, (LOCAL, ("X-HTTP-Method-Override", "POST"), ("X-Original-URL", CALLBACK_PATH))),
]


@pytest.fixture
def session(tmp_path: Path) -> Iterator[DevProcess]:
    with run_simulator() as vonage:
        environ = {
            "VONAGE_API_KEY": vonage.api_key,
            "VONAGE_API_SECRET": vonage.api_secret,
            "VONAGE_REST_HOST": vonage.host,
            "NGROK_AUTHTOKEN": "2abcDEFauthtokenNeverShown_0123456789",
            "PYNGROK_NGROK_PATH": str(install_standin(tmp_path)),
        }
        with running_dev(tmp_path, **environ) as dev:
            yield dev


def test_a_client_without_the_token_records_and_learns_nothing(
    tmp_path: Path, session: DevProcess, figures: Figures
) -> None:
    ready = session.wait_for("ready")
    place = place_of(ready["public_url"])
    token = ready["callback_url"].rpartition("/")[2]
    earlier, shapes = len(session.events), set()
    for method, target, headers in TRIES:
        answer = talk(place, to_wire(Callback(method, target, (*headers, ("Connection", "close")))))
        head, _, body = answer.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        assert status.split()[1] == "404", (method, target, headers)
        assert body == b""
        assert token not in head.decode("latin-1")
        shapes.add(tuple(sorted(line.partition(":")[0] for line in lines)))
        last = session.wait_for("refused")

    assert last["count"] == len(TRIES)
    assert last["status"] == 404
    assert shapes <= {("Content-Length", "Date"), ("Connection", "Content-Length", "Date")}
    assert not [event for event in session.events[earlier:] if event["event"] in ("receipt", "probe")]
    assert list(Store(tmp_path / "fixtures").entries()) == []
    assert session.stop() == 0
    assert b"57A46E57A46E" not in session.stderr.encode() + json.dumps(session.events).encode()
    figures.note(
        f"without the token: {len(TRIES)} requests through the tunnel, {len(TRIES)} x 404, 0 recorded"
    )


SECRET = "test-signature-secret"
SIGNED = {"msisdn": "447700900001", "messageId": "0A0000001234567B", "status": "delivered", "err-code": "0"}


def signed(age: float = 0, method: Method = "sha256") -> dict[str, str]:
    fields = {
        **SIGNED,
        "timestamp": str(int(time.time() - age)),
        "nonce": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
    }
    return {**fields, "sig": sign(fields, SECRET, method)}


CASES = {
    "right": (signed(), "valid", ""),
    "right, sent again for three days": (signed(71 * 3600), "valid", ""),
    "unsigned": (SIGNED, "absent", ""),
    "tampered": ({**signed(), "status": "failed"}, "invalid", ""),
    "a field added": ({**signed(), "client-ref": "x"}, "invalid", ""),
    "another algorithm": (signed(method="md5hash"), "invalid", ""),
    "an empty signature": ({**signed(), "sig": ""}, "invalid", ""),
    "stale": (signed(74 * 3600), "valid", "older than Vonage sends"),
}


@pytest.mark.parametrize("require", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_a_signature_is_marked_and_where_it_is_required_refused(
    tmp_path: Path, case: str, require: bool
) -> None:
    fields, verdict, note = CASES[case]
    callback = compose(fields, "json", target=f"{CALLBACK_PATH}/{TOKEN}", host="dlr.example.test")
    closing = Callback(
        callback.method, callback.target, (*callback.headers, ("Connection", "close")), callback.body
    )
    with receiver_in(tmp_path, secret=SECRET, method="sha256", require_signature=require) as running:
        answer = talk(running.place, to_wire(closing))
    files = [entry.path for entry in running.store.entries()]

    if require and (verdict != "valid" or note):
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert files == []
        assert [event.name for event in running.events] == ["refused"]
    else:
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert load(files[0]).signature == verdict
        assert note in load(files[0]).note
        assert bool(note) == bool(load(files[0]).note)


def place_of(url: str) -> Place:
    parts = urlsplit(url)
    return str(parts.hostname), int(parts.port or 80)
