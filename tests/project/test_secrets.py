"""No secret in anything that devkit prints, logs, writes or puts on a command line, also when things fail.

Every byte is searched: the output of the processes with all logging and warnings switched on, every file that they
leave outside the private directories, and the command line of every process while they run.
"""

import base64
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from devkit.http.address import parse_address
from devkit.http.client import push
from devkit.simulator import Simulator, SimulatorOptions, run_simulator
from devkit.simulator.application_key import make_private_key
from devkit.simulator.options import Fault
from devkit.vonage.account import AccountSetting
from devkit.vonage.client import Credentials
from devkit.webhook.callback import compose
from tests.support.dev_process import TIMEOUT, clean_environ, running_dev
from tests.support.raw_socket import closed_port, raw_server
from tests.support.standin import install_standin

pytestmark = pytest.mark.program

KEY = "abcd1234"
API_SECRET = "Ap1S3cret+Never&Shown"
SIGNATURE_SECRET = "S1gnatureS3cretNeverShown0123456789"
# Only its value identifies it, not its form. It differs between runs, which may see each other's processes.
AUTHTOKEN = f"2abcDEF-authtoken-Never.Shown_{os.getpid():07}"
PRIVATE_KEY = make_private_key()
SECRETS = (API_SECRET, SIGNATURE_SECRET, AUTHTOKEN, PRIVATE_KEY.splitlines()[1])

PRIVATE = (".devkit", ".env", "fixtures/recorded")

# As a user would switch on all logging.
LOUD = """import logging
logging.basicConfig(level=logging.DEBUG)
logging.getLogger("tests").debug("logging is on")
"""


def spellings(secret: str) -> set[bytes]:
    """The spellings of a secret: plain, in a URL, in quotes of JSON and Python, in an Authorization header."""
    basic = base64.b64encode(f"{KEY}:{secret}".encode()).decode()
    return {text.encode() for text in (secret, quote(secret, safe=""), quote(secret), basic)}


def leaks(data: bytes) -> list[str]:
    return [secret for secret in SECRETS if any(spelling in data for spelling in spellings(secret))]


@pytest.fixture
def vonage() -> Iterator[Simulator]:
    with run_simulator(
        SimulatorOptions(api_key=KEY, api_secret=API_SECRET, private_key=PRIVATE_KEY, speed=20)
    ) as simulator:
        yield simulator


class Place:
    """A project, its settings, and the output of the commands that ran in it."""

    def __init__(self, root: Path, simulator: Simulator) -> None:
        self.directory = root / "project"
        self.directory.mkdir()
        tools = root / "tools"  # not in the project: the stand-in writes its arguments to a file
        tools.mkdir()
        self.temporary = self.directory / "tmp"
        self.temporary.mkdir()
        (tools / "sitecustomize.py").write_text(LOUD)
        self.printed: list[bytes] = []
        repository = clean_environ(self.directory)["PYTHONPATH"]
        self.environ = {
            "VONAGE_API_KEY": KEY,
            "VONAGE_API_SECRET": API_SECRET,
            "VONAGE_SIGNATURE_SECRET": SIGNATURE_SECRET,
            "VONAGE_REST_HOST": simulator.host,
            "VONAGE_APPLICATION_ID": simulator.application_id,
            "VONAGE_PRIVATE_KEY": PRIVATE_KEY,
            "NGROK_AUTHTOKEN": AUTHTOKEN,
            "PYNGROK_NGROK_PATH": str(install_standin(tools)),
            "PYTHONPATH": os.pathsep.join((repository, str(tools))),
            "PYTHONWARNINGS": "always",
            "TMPDIR": str(self.temporary),
        }

    def run(self, *args: str, **environ: str) -> int:
        """A command, to its end; its exit code."""
        result = subprocess.run(
            [sys.executable, "-m", "devkit", *args],
            cwd=self.directory,
            env=clean_environ(self.directory, **{**self.environ, **environ}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
        self.printed += [result.stdout, result.stderr]
        assert b"DEBUG:tests:logging is on" in result.stderr
        return result.returncode

    def check(self) -> None:
        """No output and no file holds a secret, and private files have private modes."""
        assert [leaks(data) for data in self.printed if leaks(data)] == []
        for path in sorted(self.directory.rglob("*")):
            if path.is_file() and not path.relative_to(self.directory).as_posix().startswith(PRIVATE):
                assert leaks(path.read_bytes()) == [], path
        for path in (self.directory / ".devkit").rglob("*"):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@pytest.fixture
def place(tmp_path: Path, vonage: Simulator) -> Place:
    return Place(tmp_path, vonage)


@contextmanager
def watching_command_lines() -> Iterator[list[bytes]]:
    """Poll the command lines of this machine, and collect those that hold a secret."""
    found: list[bytes] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    words = path.read_bytes()
                except OSError:  # it has just ended
                    continue
                if leaks(words):
                    found.append(words)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def test_the_search_finds_secrets() -> None:
    basic = base64.b64encode(f"{KEY}:{API_SECRET}".encode())

    assert leaks(b"Authorization: Basic " + basic) == [API_SECRET]
    assert leaks(f"api_secret={quote(API_SECRET, safe='')}".encode()) == [API_SECRET]
    assert leaks(f"Your authtoken: {AUTHTOKEN}".encode()) == [AUTHTOKEN]
    with watching_command_lines() as found:
        sleeper = [sys.executable, "-c", "import sys; sys.stdin.read()", AUTHTOKEN]
        with subprocess.Popen(sleeper, stdin=subprocess.PIPE) as process:
            while not found and process.poll() is None:
                threading.Event().wait(0.01)
            process.communicate()
    assert found


def test_a_whole_session_with_all_logging_on_shows_no_secret(place: Place, vonage: Simulator) -> None:
    with watching_command_lines() as found, running_dev(place.directory, **place.environ) as dev:
        ready = dev.wait_for("ready")
        address = parse_address(ready["callback_url"])
        push(compose({"status": "delivered", "sig": "0" * 32}, "json", target=address.target), address)
        push(compose({}, "json", target=f"/webhooks/delivery-receipt/{'x' * 16}?a=1"), address)
        assert place.run("send", "--to", "447700900000", "--wait") == 0
        assert place.run("send", "--to", "447700900002", "--wait", "--json") == 1
        assert place.run("send", "--api", "messages", "--to", "447700900000", "--wait") == 0
        assert place.run("doctor") == 0
        assert place.run("doctor", "--json", "--wait", "--timeout", "0.1") == 1
        place.check()
        assert dev.stop() == 0

    place.printed += [dev.stderr.encode(), str(dev.events).encode()]
    place.check()
    assert "DEBUG:urllib3" in dev.stderr  # libraries did log
    assert found == []


def test_a_doctor_that_starts_an_agent_shows_no_secret(place: Place) -> None:
    with watching_command_lines() as found:
        assert place.run("doctor") == 0

    place.check()
    assert found == []


@pytest.mark.parametrize(
    ("fault", "command", "code"),
    [
        ("bad-authtoken", "dev", 5),
        ("bad-authtoken", "doctor", 1),
        ("invalid-authtoken", "dev", 5),
        ("odd-error", "doctor", 1),
    ],
)
def test_an_agent_that_prints_its_token_is_not_quoted(
    place: Place, fault: str, command: str, code: int
) -> None:
    assert place.run(command, STANDIN_FAULT=fault) == code

    place.check()
    assert b"ERR_NGROK_" in b"".join(place.printed)


def test_a_refused_key_is_not_quoted(place: Place, vonage: Simulator) -> None:
    vonage.configure(lambda options: replace(options, faults=(Fault("unauthorized"),)))

    assert place.run("dev") == 4
    assert place.run("doctor") == 1

    place.check()


def test_a_host_that_repeats_what_it_was_sent_is_not_quoted(place: Place) -> None:
    basic = base64.b64encode(f"{KEY}:{API_SECRET}".encode()).decode()
    echo = json.dumps({"error-code": "500", "you-sent": f"{API_SECRET} Basic {basic}"}).encode()
    refusal = b"HTTP/1.1 500 Oops\r\nContent-Length: %d\r\n\r\n%b" % (len(echo), echo)
    text = json.dumps(
        {"message-count": "1", "messages": [{"status": "4", "error-text": API_SECRET}]}
    ).encode()
    status = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text)
    with raw_server(*4 * [[refusal]], [status]) as host:
        place.environ["VONAGE_REST_HOST"] = f"127.0.0.1:{host.place[1]}"

        assert place.run("dev") == 4
        assert place.run("doctor") == 1  # it asks twice
        assert place.run("send", "--to", "447700900000") == 4
        assert place.run("send", "--to", "447700900000") == 4

    place.check()
    assert [basic.encode() in request for request in host.requests] == [True] * 5


def test_refused_messages_and_a_dead_host_show_no_secret(place: Place, vonage: Simulator) -> None:
    faults = tuple(Fault(f"send-{code}", times=1) for code in (4, 29))
    vonage.configure(lambda options: replace(options, faults=faults))

    assert place.run("send", "--to", "447700900000") == 4
    assert place.run("send", "--to", "447700900000", "--json") == 4
    other = make_private_key()
    assert place.run("send", "--api", "messages", "--to", "447700900000", VONAGE_PRIVATE_KEY=other) == 4
    assert place.run("send", "--api", "messages", VONAGE_PRIVATE_KEY=PRIVATE_KEY[:300]) == 2
    broken = PRIVATE_KEY[:300]
    assert place.run("send", "--api", "messages", "--to", "447700900000", VONAGE_PRIVATE_KEY=broken) == 3
    dead = f"127.0.0.1:{closed_port()}"
    assert place.run("send", "--to", "447700900000", VONAGE_REST_HOST=dead) == 4
    assert place.run("doctor", VONAGE_REST_HOST=dead) == 1
    assert place.run("send", "--to", "447700900000", VONAGE_REST_HOST="evil.example.com") == 3

    place.check()


def test_secrets_in_a_file_with_mistakes_are_not_quoted(place: Place) -> None:
    names = ("VONAGE_API_KEY", "VONAGE_API_SECRET", "VONAGE_SIGNATURE_SECRET", "NGROK_AUTHTOKEN")
    for name in names:
        del place.environ[name]
    env = place.directory / ".env"
    for text in (
        f"VONAGE_API_SECRET={API_SECRET}\n",
        f"VONAGE_API_KEY={KEY}\nVONAGE_API_SECRET={API_SECRET}\nDEVKIT_CALLBACK_TOKEN={AUTHTOKEN}?\n",
        f"VONAGE_SIGNATURE_SECRET='{SIGNATURE_SECRET}\nNGROK_AUTHTOKEN {AUTHTOKEN}\n",
    ):
        env.write_text(text)
        assert place.run("doctor") == 1
        assert place.run("send") == 3

    place.check()


def test_an_account_that_repeats_the_secret_is_not_quoted(place: Place, vonage: Simulator) -> None:
    """The callback of an account is text from outside, too."""
    elsewhere = place.directory.parent / "elsewhere"
    elsewhere.mkdir()
    with running_dev(elsewhere, "--no-register", "--no-demo") as other:
        url = other.wait_for("ready")["local_url"]
        callback = f"{url}/webhooks/delivery-receipt?secret={quote(API_SECRET, safe='')}"
        AccountSetting(Credentials(KEY, API_SECRET, vonage.host)).set_callback(callback)
        assert place.run("doctor") == 0
        other.stop()

    place.check()
