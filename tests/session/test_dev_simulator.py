"""An offline session tells where its simulator is, so that a program in any language sends through it."""

import json
import ssl
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import certifi
import pytest

from tests.support.dev_process import TIMEOUT, DevProcess, clean_environ, running_dev
from tests.support.raw_socket import wait_until

FAILING = "447700900003"  # accepted, then failed with err-code 3
DISTRUST = "A program rejected the simulator's certificate"


def send(simulator: dict[str, str], **fields: str) -> dict[str, str]:
    """Send as SDKs do that take a URL: a form with the credentials in it. The only entry of the answer."""
    form = {"api_key": simulator["api_key"], "api_secret": simulator["api_secret"], **fields}
    connection = HTTPConnection(urlsplit(simulator["url"]).netloc, timeout=TIMEOUT)
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/sms/json", urlencode(form), headers)
        (entry,) = json.loads(connection.getresponse().read())["messages"]
        assert isinstance(entry, dict)
        return entry
    finally:
        connection.close()


def recorded(dev: DevProcess, message_id: str, *statuses: str) -> list[str]:
    """The err-codes of the receipts of a message, when they have come."""
    return [dev.wait_for("receipt", message_id=message_id, status=status)["err_code"] for status in statuses]


def test_a_program_with_the_credentials_sends_through_the_session_and_its_receipts_are_recorded(
    tmp_path: Path,
) -> None:
    with running_dev(tmp_path, "--offline", "--no-demo") as dev:
        simulator = dev.wait_for("ready")["simulator"]
        entry = send(simulator, **{"from": "AcmeInc", "to": FAILING, "text": "Hello"})
        err_codes = recorded(dev, entry["message-id"], "accepted", "failed")
        wrong = {**simulator, "api_secret": "wrong"}
        refused = send(wrong, **{"from": "AcmeInc", "to": FAILING, "text": "Hello"})

        assert dev.stop() == 0

    assert entry["status"] == "0"
    assert refused == {"status": "4", "error-text": "Bad Credentials"}
    assert err_codes == ["0", "3"]
    assert (dev.events[-1]["event"], dev.events[-1]["receipts"]) == ("stopped", 2)
    assert list(simulator) == [
        *("url", "host", "api_key", "api_secret", "authority", "bundle"),
        *("application_id", "private_key"),
    ]
    assert simulator["url"] == f"http://{simulator['host']}"


PROGRAM = """
import sys
from vonage import Auth, HttpClientOptions, Vonage
from vonage_sms import SmsMessage

host, key, secret, to = sys.argv[1:]
client = Vonage(Auth(api_key=key, api_secret=secret), HttpClientOptions(rest_host=host))
print(client.sms.send(SmsMessage(to=to, from_="AcmeInc", text="Hello")).messages[0].message_id)
"""


def test_the_vonage_sdk_as_it_is_sends_through_the_session(tmp_path: Path) -> None:
    with running_dev(tmp_path, "--offline", "--no-demo") as dev:
        simulator = dev.wait_for("ready")["simulator"]
        host, key, secret = simulator["host"], simulator["api_key"], simulator["api_secret"]
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, host, key, secret, FAILING],
            env=clean_environ(tmp_path, REQUESTS_CA_BUNDLE=simulator["bundle"]),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        assert done.returncode == 0, done.stderr
        err_codes = recorded(dev, done.stdout.strip(), "accepted", "failed")
        assert dev.stop() == 0

    assert err_codes == ["0", "3"]


def test_a_program_that_does_not_trust_the_certificate_is_reported_once(tmp_path: Path) -> None:
    with running_dev(tmp_path, "--offline", "--no-demo") as dev:
        host, _, port = dev.wait_for("ready")["simulator"]["host"].partition(":")
        for _ in range(2):
            with pytest.raises(ssl.SSLCertVerificationError):
                ssl.get_server_certificate((host, int(port)), ca_certs=certifi.where())
        wait_until(lambda: DISTRUST in dev.stderr)
        assert dev.stop() == 0

    assert dev.stderr.count(DISTRUST) == 1
    assert str(tmp_path / ".devkit" / "ca" / "ca.pem") in dev.stderr


def test_without_a_certificate_the_session_works_over_plain_http(tmp_path: Path) -> None:
    (tmp_path / ".devkit").mkdir(mode=0o700)
    (tmp_path / ".devkit" / "ca").write_text("in the way")
    with running_dev(tmp_path, "--offline", "--no-demo") as dev:
        simulator = dev.wait_for("ready")["simulator"]
        entry = send(simulator, **{"from": "AcmeInc", "to": FAILING, "text": "Hello"})
        recorded(dev, entry["message-id"], "accepted", "failed")
        assert dev.stop() == 0

    assert (simulator["authority"], simulator["bundle"]) == ("", "")
    assert "Cannot keep certificates" in dev.stderr
    assert "plain http only" in dev.stderr
