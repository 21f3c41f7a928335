"""A session in a codespace, as users see it: real processes, a stand-in for `gh`, and the public side of a port."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import requests

from devkit.webhook.callback import CALLBACK_PATH, MAX_CALLBACK, Callback
from tests.support.codespace import DOMAIN, NAME, Gh, public_side
from tests.support.command import call
from tests.support.dev_process import running_dev
from tests.support.fake_application import as_json
from tests.support.raw_socket import closed_port
from tests.support.recording_server import RecordingServer, Response

pytestmark = pytest.mark.program

FORMER = "https://production.example.com/dlr"
RECEIPT = {"msisdn": "447700900001", "messageId": "0A00000012345678", "status": "delivered", "err-code": "0"}


class Account(RecordingServer):
    """The settings API of an account, which asks no URL: the simulator could not reach that of the codespace."""

    def __init__(self) -> None:
        self.callback = FORMER
        super().__init__(self._respond)

    def _respond(self, request: Callback) -> Response:
        fields = parse_qs(request.body.decode(), keep_blank_values=True)
        self.callback = fields.get("drCallBackUrl", [self.callback])[0]
        return as_json({"dr-callback-url": self.callback, "mo-callback-url": ""})


@pytest.fixture
def account() -> Iterator[Account]:
    with closing(Account()) as account:
        yield account


def deliver(url: str, environ: Mapping[str, str], host: str = "") -> int:
    """The status of a receipt that is sent to a public URL. host: what a stranger claims in the Host header."""
    return requests.get(
        url,
        params=RECEIPT,
        headers={"Host": host} if host else {},
        proxies={"https": environ["HTTPS_PROXY"]},
        verify=environ["REQUESTS_CA_BUNDLE"],
        timeout=30,
    ).status_code


def test_a_codespace_from_the_public_url_to_the_end(tmp_path: Path, account: Account) -> None:
    gh, port = Gh(tmp_path), closed_port()
    public_url = f"https://{NAME}-{port}.{DOMAIN}"
    args = ("--tunnel", "codespaces", "--port", str(port))
    gh.write({str(port): "org"})
    with public_side(gh, port) as codespace:
        environ = {
            **codespace,
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "VONAGE_API_KEY": "abcd1234",
            "VONAGE_API_SECRET": "s3cret-value",
            "VONAGE_REST_HOST": f"127.0.0.1:{account.place[1]}",
        }
        with running_dev(tmp_path, *args, **environ) as dev:
            ready = dev.wait_for("ready")
            callback_url = ready["callback_url"]
            assert (ready["public_url"], account.callback) == (public_url, callback_url)
            assert deliver(callback_url, environ) == 200
            assert dev.wait_for("receipt")["message_id"] == RECEIPT["messageId"]
            claims = ("", "127.0.0.1", f"localhost:{port}")
            assert {deliver(public_url + CALLBACK_PATH, environ, host) for host in claims} == {404}
            dev.process.kill()
            dev.finish()
        assert gh.visibility(port) == "public"

        restored = call(tmp_path, "restore", **environ)
        after_restore = gh.visibility(port), account.callback, deliver(callback_url, environ)

        with running_dev(tmp_path, *args, **environ) as dev:
            assert dev.wait_for("ready")["callback_url"] == callback_url
            assert gh.visibility(port) == "public"
            assert dev.stop() == 0

    assert len(callback_url) > MAX_CALLBACK  # as in real codespaces
    assert f"The callback URL has {len(callback_url)} characters" in dev.stderr
    assert "The account's own callback leads here." in dev.stderr
    assert restored.code == 0, restored.err
    assert "Ended the public port" in restored.err
    assert after_restore == ("org", FORMER, 302)
    assert (gh.visibility(port), account.callback) == ("org", FORMER)
    assert {path.name for path in (tmp_path / ".devkit").iterdir()} == {".gitignore", "callback-token"}
