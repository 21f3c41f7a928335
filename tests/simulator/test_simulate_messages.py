"""`devkit simulate` with a program that uses the Messages API, and inbound messages on demand."""

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from devkit.errors import ConfigurationError
from devkit.simulator.application_key import make_private_key, private_key_in, temporary_private_key
from devkit.webhook.jwt import claims_of
from tests.support.command import call
from tests.support.dev_process import clean_environ, running, running_simulate
from tests.support.raw_socket import DEADLINE
from tests.support.simulator_client import listening

# What an unmodified program does: nothing in it knows of devkit.
PROGRAM = """
import sys
from vonage import Auth, HttpClientOptions, Vonage
from vonage_messages import Sms

auth = Auth(application_id=sys.argv[2], private_key=sys.argv[3])
client = Vonage(auth, HttpClientOptions(api_host=sys.argv[1]))
print(client.messages.send(Sms(to="447700900006", from_="AcmeInc", text="Hello")).message_uuid)
"""


def test_a_program_sends_with_the_application_and_gets_statuses_and_inbound_messages(tmp_path: Path) -> None:
    with (
        listening() as listener,
        running_simulate(
            tmp_path,
            *["--tls", "--speed", "max", "--messaging-api", "messages"],
            *["--callback-url", f"{listener.url}/status", "--inbound-url", f"{listener.url}/inbound"],
        ) as simulate,
    ):
        ready = simulate.wait_for("ready")
        key_file = Path(ready["private_key"])
        mode = key_file.stat().st_mode & 0o777
        environ = {**clean_environ(tmp_path), "REQUESTS_CA_BUNDLE": ready["bundle"], "NO_PROXY": "127.0.0.1"}
        program = subprocess.run(
            [sys.executable, "-c", PROGRAM, ready["host"], ready["application_id"], str(key_file)],
            env=environ,
            capture_output=True,
            text=True,
            timeout=6 * DEADLINE,
        )
        assert program.returncode == 0, program.stderr
        submitted, rejected = listener.wait_for_documents(2)
        message, status = simulate.wait_for("message"), simulate.wait_for("delivery")
        inbound = {"text": "STOP", "to": ready["number"]}
        subprocess.run(
            [sys.executable, "-c", _POST, f"{ready['url']}/simulator/inbound", json.dumps(inbound)],
            check=True,
            timeout=DEADLINE,
        )
        *_, arrived = listener.wait_for_documents(3)
        taken = simulate.wait_for("inbound")
        assert simulate.stop() == 0

    assert {submitted["message_uuid"], message["message_id"]} == {program.stdout.strip()}
    assert (submitted["status"], rejected["status"], rejected["error"]["title"]) == (
        *("submitted", "rejected"),
        "1210",
    )
    assert (message["kind"], message["promised"], message["parts"]) == (
        *("messages-status", ["submitted", "rejected"]),
        1,
    )
    assert (status["kind"], status["answer"]) == ("messages-status", 200)
    assert (arrived["text"], taken["kind"]) == ("STOP", "messages-inbound")
    assert [callback.path.rpartition("/")[2] for callback in listener.arrived] == [
        *("status", "status", "inbound")
    ]
    claims = [claims_of(callback.header("Authorization")) for callback in listener.arrived]
    assert {each["application_id"] for each in claims} == {ready["application_id"]}
    assert (ready["messaging_api"], mode) == ("messages", 0o600)
    assert not key_file.exists()
    assert "447700900006" not in str(simulate.events) + simulate.stderr


_POST = "import sys, urllib.request as r; r.urlopen(sys.argv[1], sys.argv[2].encode())"


def test_a_private_key_can_be_chosen_and_stays(tmp_path: Path) -> None:
    file = tmp_path / "private.key"
    file.write_text(make_private_key())

    with running_simulate(tmp_path, "--private-key", str(file)) as simulate:
        ready = simulate.wait_for("ready")
        assert simulate.stop() == 0

    assert ready["private_key"] == str(file)
    assert file.exists()


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_the_key_of_a_killed_simulator_is_removed_by_the_next_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "devkit", "simulate", "--json", "--port", "0"]
    with running(command, tmp_path, TMPDIR=str(tmp_path)) as simulate:
        left = Path(simulate.wait_for("ready")["private_key"])
        with temporary_private_key(tmp_path) as other:
            assert left.exists()  # its process runs
            simulate.stop(signal.SIGKILL)
            assert left.exists()
            others = [tmp_path / "devkit-simulator-notes", tmp_path / "devkit-simulator-mine-1"]
            for each in others:
                each.mkdir()

            with temporary_private_key(tmp_path):
                assert not left.parent.exists()
                assert other.exists()

    assert sorted(tmp_path.glob("devkit-simulator-*")) == sorted(others)


def test_a_key_that_gets_no_directory_is_an_error_message(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"gets no directory in .*: No such file or directory\."),
        temporary_private_key(tmp_path / "missing"),
    ):
        pass


def test_a_key_without_any_place_for_temporary_files_is_an_error_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none_usable() -> str:  # as on a full disk
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none_usable)

    with pytest.raises(ConfigurationError, match="No usable temporary directory"), temporary_private_key():
        pass


def test_programs_that_start_together_have_one_private_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        keys = pool.map(lambda _: private_key_in(tmp_path).read_bytes(), range(4))

    assert len(set(keys)) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read: No such file or directory"),
        ("", "is no private key in PEM without a password"),
        ("é", "is no private key in PEM without a password"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "is no private key in PEM"),
    ],
)
def test_a_key_that_is_none_is_an_error_message(tmp_path: Path, text: str | None, words: str) -> None:
    file = tmp_path / "private.key"
    if text is not None:
        file.write_text(text, "utf-8")

    ended = call(tmp_path, "simulate", "--port", "0", "--private-key", str(file))

    assert (ended.code, ended.out) == (3, [])
    assert words in ended.err
    assert "openssl genpkey" in ended.err
    assert "Traceback" not in ended.err
