import json
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from devkit.http.server import listen
from tests.support.command import call, start
from tests.support.dev_process import clean_environ, running_simulate
from tests.support.raw_socket import DEADLINE, closed_port
from tests.support.simulator_client import listening

# What an unmodified program does: nothing in it knows of devkit.
PROGRAM = """
import os, sys
from vonage import Auth, HttpClientOptions, Vonage
from vonage_sms import SmsMessage

auth = Auth(api_key="abcd1234", api_secret="S3cretSimulator")
client = Vonage(auth, HttpClientOptions(rest_host=sys.argv[1]))
answer = client.sms.send(SmsMessage(to="447700900006", from_="AcmeInc", text="Hello", callback=sys.argv[2]))
print(answer.messages[0].message_id)
"""

NEEDS_CURL = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")


def curl(*args: str) -> Any:
    result = subprocess.run(
        ["curl", "--silent", "--show-error", "--noproxy", "*", *args],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_an_unmodified_sdk_program_sends_over_https_and_gets_its_receipts(tmp_path: Path) -> None:
    with listening() as listener, running_simulate(tmp_path, "--tls", "--speed", "max") as simulate:
        ready = simulate.wait_for("ready")
        environ = {**clean_environ(tmp_path), "REQUESTS_CA_BUNDLE": ready["bundle"], "NO_PROXY": "127.0.0.1"}
        program = subprocess.run(
            [sys.executable, "-c", PROGRAM, ready["host"], listener.url],
            env=environ,
            capture_output=True,
            text=True,
            timeout=6 * DEADLINE,
        )
        assert program.returncode == 0, program.stderr
        receipts = listener.wait_for(2)
        message = simulate.wait_for("message")
        deliveries = [simulate.wait_for("delivery") for _ in range(2)]
        assert simulate.stop() == 0

    message_id = program.stdout.strip()
    assert [(receipt.message_id, receipt.status) for receipt in receipts] == [
        (message_id, "accepted"),
        (message_id, "rejected"),
    ]
    assert message == {
        "event": "message",
        "message_id": message_id,
        "to": "*********006",
        "sender": "AcmeInc",
        "network": "23410",
        "promised": ["accepted", "rejected"],
        "kind": "sms-receipt",
        "parts": 1,
    }
    assert deliveries[1] == {
        "event": "delivery",
        "message_id": message_id,
        "status": "rejected",
        "err_code": "6",
        "meaning": "Anti-Spam Rejection",
        "attempt": 1,
        "answer": 200,
        "problem": "",
        "retry_after": None,
        "sent_again": False,
        "kind": "sms-receipt",
    }
    assert simulate.events[-1] == {"event": "stopped", "messages": 1, "deliveries": 2}
    assert "447700900006" not in str(simulate.events) + simulate.stderr


@NEEDS_CURL
def test_curl_trusts_the_authority_and_reaches_the_port_with_and_without_tls(tmp_path: Path) -> None:
    with running_simulate(tmp_path, "--tls") as simulate:
        ready = simulate.wait_for("ready")
        account = ["-u", f"{ready['api_key']}:{ready['api_secret']}"]
        trusting = ["--cacert", ready["authority"]]
        answers = [
            curl(*account, *trusting, f"https://{ready['host']}/account/get-balance"),
            curl(*account, f"{ready['url']}/account/get-balance"),
        ]
        for _ in range(2):
            with pytest.raises(AssertionError, match="certificate"):
                curl(*account, f"https://{ready['host']}/account/get-balance")
        simulate.stop()

    assert answers == [{"value": 10000.0, "autoReload": False}] * 2
    assert simulate.stderr.count("Tell it what to trust") == 1


@NEEDS_CURL
def test_a_program_that_knows_no_other_host_is_reached_through_the_hosts_file(tmp_path: Path) -> None:
    with running_simulate(tmp_path, "--tls") as simulate:
        ready = simulate.wait_for("ready")
        port = ready["host"].partition(":")[2]
        answer = curl(
            *["-u", "abcd1234:S3cretSimulator", "--cacert", ready["authority"]],
            *["--connect-to", f"rest.nexmo.com:443:127.0.0.1:{port}"],
            "https://rest.nexmo.com/account/get-balance",
        )
        simulate.stop()

    assert answer == {"value": 10000.0, "autoReload": False}


def test_trust_survives_a_restart(tmp_path: Path) -> None:
    authorities = []
    for _ in range(2):
        with running_simulate(tmp_path, "--tls") as simulate:
            authorities.append(Path(simulate.wait_for("ready")["authority"]).read_bytes())
            simulate.stop()

    assert authorities[0] == authorities[1]
    assert sorted(path.name for path in (tmp_path / ".devkit").iterdir()) == [".gitignore", "ca"]


def test_without_tls_nothing_is_kept(tmp_path: Path) -> None:
    with running_simulate(tmp_path) as simulate:
        ready = simulate.wait_for("ready")
        assert simulate.stop() == 0

    assert (ready["authority"], ready["bundle"]) == ("", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_ends_it_with_0_and_frees_the_port(tmp_path: Path, number: signal.Signals) -> None:
    with running_simulate(tmp_path) as simulate:
        host, _, port = simulate.wait_for("ready")["host"].partition(":")
        assert simulate.stop(number) == 0

    assert simulate.names() == ["ready", "stopped"]
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((host, int(port)), 5).close()


@NEEDS_CURL
def test_options_make_the_account(tmp_path: Path) -> None:
    with (
        listening() as listener,
        running_simulate(
            tmp_path,
            *["--callback-url", listener.url, "--method", "post-json", "--speed", "max"],
            *["--signature", "sha512", "--api-key", "k3y", "--api-secret", "0wnSecret"],
        ) as simulate,
    ):
        ready = simulate.wait_for("ready")
        answer = curl(
            *["-d", "api_key=k3y", "-d", "api_secret=0wnSecret", "-d", "from=447700900009"],
            *["-d", "to=447700900100", "-d", "text=Hi", f"{ready['url']}/sms/json"],
        )
        (receipt,) = listener.wait_for(1)
        message = simulate.wait_for("message")
        simulate.stop()

    assert answer["messages"][0]["status"] == "0"
    assert listener.arrived[0].transport == "json"  # and no probe came before it
    assert len(receipt.text("sig")) == 128
    assert (ready["method"], ready["signature"]) == ("json", "sha512")
    assert ready["signature_secret"] == "simulator-signature-secret"
    assert message["sender"] == "*********009"
    assert ready["api_secret"] == ""
    assert "0wnSecret" not in str(simulate.events) + simulate.stderr


@NEEDS_CURL
def test_refusals_and_settings_are_reported(tmp_path: Path) -> None:
    with listening() as listener, running_simulate(tmp_path) as simulate:
        url = simulate.wait_for("ready")["url"]
        settings = ["-u", "abcd1234:S3cretSimulator", f"{url}/account/settings"]
        curl("-d", "api_key=abcd1234", "-d", "api_secret=bad", f"{url}/sms/json")
        curl("-u", "abcd1234:bad", f"{url}/account/settings", "-X", "POST")
        curl("-d", f"drCallBackUrl=http://127.0.0.1:{closed_port()}/x", *settings)
        curl("-d", f"drCallbackUrl={listener.url}", *settings)
        curl("-d", f"drCallBackUrl={listener.url}", "-d", "httpForwardMethod=POST_JSON", *settings)
        curl("-d", "", *settings)
        refused = [simulate.wait_for("refused") for _ in range(3)]
        changed = [simulate.wait_for("settings") for _ in range(2)]
        simulate.stop()

    assert [(event["api"], event["status"]) for event in refused] == [
        ("sms", 4),
        ("settings", 401),
        ("settings", 420),
    ]
    assert "did not answer 200" in refused[2]["reason"]
    assert [(event["callback_url"], event["method"]) for event in changed] == [
        ("", "get"),
        (listener.url, "json"),
    ]
    assert "drCallbackUrl is ignored" in changed[0]["note"]
    assert changed[1]["note"] == ""
    assert simulate.names().count("settings") == 2


@NEEDS_CURL
def test_lenient_takes_the_sdk_s_spelling(tmp_path: Path) -> None:
    with listening() as listener, running_simulate(tmp_path, "--lenient") as simulate:
        url = simulate.wait_for("ready")["url"]
        curl(
            "-u", "abcd1234:S3cretSimulator", "-d", f"drCallbackUrl={listener.url}", f"{url}/account/settings"
        )
        changed = simulate.wait_for("settings")
        simulate.stop()

    assert (changed["callback_url"], changed["note"]) == (listener.url, "")


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["--speed", "fast"], 2, "Use --speed 1x, --speed 60x (a minute in a second), or --speed max."),
        (["--callback-url", "nowhere:x"], 2, "Not a URL to send receipts to: 'nowhere:x'."),
        (["--callback-url", "http://192.0.2.1/dlr"], 2, "to http://192.0.2.1: it is not on this machine"),
        (["--callback-url", "no-such-name.invalid"], 2, "no-such-name.invalid"),
        (["--method", "put"], 2, "'--method'"),
        (["--signature", "sha3"], 2, "'--signature'"),
    ],
)
def test_a_wrong_option_is_an_error_message(tmp_path: Path, args: list[str], code: int, words: str) -> None:
    ended = call(tmp_path, "simulate", "--port", "0", *args)

    assert (ended.code, ended.out) == (code, [])
    assert words in ended.err
    assert "Traceback" not in ended.err


def test_a_port_in_use_is_an_error_message(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0) as taken:
        ended = call(tmp_path, "simulate", "--port", str(taken.getsockname()[1]))

    assert ended.code == 3
    assert "cannot be used: Address already in use" in ended.err


@NEEDS_CURL
def test_the_terminal_shows_what_to_type_next_and_no_number(tmp_path: Path) -> None:
    with listening() as listener, start(tmp_path, "simulate", "--port", "0") as process:
        try:
            assert process.stdout is not None
            printed = []
            for line in process.stdout:
                printed.append(line)
                if line.split()[:2] == ["send", "curl"]:
                    curl(*line.split()[2:], "-d", f"callback={listener.url}")
                if "delivered" in line and "->" in line:
                    process.send_signal(signal.SIGINT)
            assert process.wait(DEADLINE) == 0
        finally:
            process.kill()

    assert printed[0].startswith("ready ")
    (message,) = (line for line in printed if line[12:].startswith("message"))
    assert "*********000  from AcmeInc" in message
    assert message.endswith("accepted, buffered, delivered\n")
    assert [line.split()[1] for line in printed if "-> 200" in line] == [
        "accepted",
        "buffered",
        "delivered",
    ]
    assert printed[-1] == "stopped     1 message part accepted, 3 attempts to push a webhook\n"
    assert [line.split()[0] for line in printed if "447700900000" in line] == ["send"]
