import os
import shlex
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask, request

from devkit.errors import VonageError
from devkit.fixture.format import load
from devkit.fixture.store import Store
from devkit.http.address import parse_address
from devkit.http.client import Response, push
from devkit.http.server import listen, serve
from devkit.session.project import project_in
from devkit.simulator import SimulatorOptions, run_simulator
from devkit.vonage.client import Credentials, post_form
from devkit.webhook.callback import Callback, compose
from devkit.webhook.receipt import Receipt
from tests.support.command import Run, call
from tests.support.dev_process import clean_environ, running_dev
from tests.support.raw_socket import closed_port

RECEIPT = {"msisdn": "447700900001", "messageId": "0A00000012345678", "status": "delivered", "err-code": "0"}
KEY = {"VONAGE_API_KEY": "abcd1234", "VONAGE_API_SECRET": "s3cret-value"}


def failing_dev(directory: Path, *args: str, **environ: str) -> Run:
    """A session that does not start."""
    return call(directory, "dev", "--json", *args, **clean_environ(directory, **environ))


def test_demo_receipts_are_recorded_and_shown_and_everything_is_put_back(tmp_path: Path) -> None:
    with running_dev(tmp_path) as dev:
        ready = dev.wait_for("ready")
        for status in ("accepted", "buffered", "delivered"):
            dev.wait_for("receipt", status=status)
        page = ask(ready["inspector_url"], "/")
        elsewhere = ask(ready["local_url"], "/")

        assert dev.stop() == 0

    assert (page.status, elsewhere.status) == (200, 404)  # the page is not on the receiver's port
    assert b"delivered" in page.body
    assert ready["mode"] == "offline"
    assert ready["pid"] == dev.process.pid
    readings = [load(entry.path).read() for entry in Store(tmp_path / "fixtures").entries()]
    statuses = [reading.status for reading in readings if isinstance(reading, Receipt)]
    assert statuses == ["delivered", "buffered", "accepted"]
    assert dev.names()[-2:] == ["restored", "stopped"]
    restored = {"event": "restored", "callback_url": "", "kept": False}
    assert dev.events[-2] == restored | {"setting": "drCallBackUrl"}
    assert dev.events[-1] == {"event": "stopped", "receipts": 3, "left_out": 0, "other_webhooks": 0}
    assert sorted(path.name for path in (tmp_path / ".devkit").iterdir()) == [
        ".gitignore",
        "ca",
        "callback-token",
        "sends.jsonl",
        "simulator",
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_stop_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with running_dev(tmp_path, "--no-demo") as dev:
        ready = dev.wait_for("ready")

        assert dev.stop(number) == 0

    assert dev.names()[-2:] == ["restored", "stopped"]
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", urlsplit(ready["local_url"]).port or 0), 5).close()


def test_receipt_event_describes_what_arrived_without_the_number(tmp_path: Path) -> None:
    with running_dev(tmp_path, "--no-demo") as dev:
        address = parse_address(dev.wait_for("ready")["callback_url"])
        push(compose({**RECEIPT, "network-code": "23410"}, "json", target=address.target), address)
        event = dev.wait_for("receipt")
        dev.stop()

    assert load(Path(event.pop("file"))).callback.transport == "json"
    assert event == {
        "event": "receipt",
        "message_id": "0A00000012345678",
        "status": "delivered",
        "err_code": "0",
        "meaning": "Delivered",
        "signature": "absent",
        "network": "23410",
        "latency_ms": None,
        "msisdn": "*********001",
        "transport": "json",
        "problem": "",
        "replay": False,
        "triggered": False,
        "forwarded": False,
        "order": "",
        "sender": "",
        "client_ref": "",
        "part": 0,
        "parts": 0,
        "sent_ms": None,
        "who": "",
        "kind": "sms-receipt",
        "channel": "sms",
        "message_type": "",
        "text": "",
        "signature_problem": "",
        "recorded_at": "",
    }


def test_no_register_leaves_the_account_alone_and_still_gets_the_demo(tmp_path: Path) -> None:
    with running_dev(tmp_path, "--no-register") as dev:
        dev.wait_for("receipt", status="delivered")
        dev.stop()

    assert "registered" not in dev.names()
    assert "restored" not in dev.names()


def test_foreign_request_is_refused_and_reported_once(tmp_path: Path) -> None:
    with running_dev(tmp_path, "--no-demo") as dev:
        address = parse_address(dev.wait_for("ready")["local_url"])
        guess = Callback("GET", "/webhooks/delivery-receipt/guess?status=delivered", (("Host", "x.test"),))
        answers = [push(guess, address).status for _ in range(2)]
        refused = dev.wait_for("refused")
        dev.stop()

    assert answers == [404, 404]
    assert refused == {"event": "refused", "status": 404, "reason": refused["reason"], "count": 1}
    assert list(Store(tmp_path / "fixtures").entries()) == []


def test_callback_url_and_authority_are_the_same_in_the_next_session_and_credentials_are_not(
    tmp_path: Path,
) -> None:
    known = SimulatorOptions()
    found, kept = [], []
    for _ in range(2):
        with running_dev(tmp_path, "--no-demo") as dev:
            ready = dev.wait_for("ready")
            kept.append(
                (urlsplit(ready["callback_url"]).path, Path(ready["simulator"]["authority"]).read_bytes())
            )
            session = project_in(tmp_path).session()
            assert session
            credentials = Credentials(session.api_key, session.api_secret, session.rest_host)
            guesses = [replace(credentials, api_key=known.api_key, api_secret=known.api_secret)]
            guesses += [replace(credentials, api_secret=known.api_secret)]
            for guess in guesses:
                with pytest.raises(VonageError, match="401"):
                    post_form(guess, "/account/settings", {})
            account = post_form(credentials, "/account/settings", {})
            assert dev.stop() == 0
        assert account["dr-callback-url"] == session.callback_url
        found.append((session.api_key, session.api_secret))

    assert kept[0] == kept[1]
    (key, secret), other = found
    assert (len(key), key.isalnum(), len(secret) >= 16) == (8, True, True)
    assert key != other[0]
    assert secret != other[1]


def test_live_mode_with_a_tunnel_of_ones_own_registers_and_restores(tmp_path: Path) -> None:
    with run_simulator() as simulator, socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        taken.close()
        with running_dev(
            tmp_path,
            "--port",
            str(port),
            "--public-url",
            f"http://127.0.0.1:{port}",
            VONAGE_API_KEY=simulator.api_key,
            VONAGE_API_SECRET=simulator.api_secret,
            VONAGE_REST_HOST=simulator.host,
        ) as dev:
            ready = dev.wait_for("ready")
            registered = simulator.account.dr_callback_url
            assert dev.stop() == 0

        assert ready["mode"] == "live"
        assert ready["simulator"] is None
        assert registered == ready["callback_url"]
        assert simulator.account.dr_callback_url == ""


@pytest.mark.parametrize(
    ("environ", "code", "words"),
    [
        ({"VONAGE_API_KEY": "abcd1234"}, 3, "VONAGE_API_SECRET is missing"),
        ({"VONAGE_API_SECRET": "s3cret-value"}, 3, "VONAGE_API_KEY is missing"),
        ({"DEVKIT_PORT": "many"}, 3, "DEVKIT_PORT is 'many'"),
        ({"DEVKIT_PORT": "4000", "DEVKIT_INSPECTOR_PORT": "4000"}, 3, "cannot both have port 4000"),
        ({**KEY, "VONAGE_REST_HOST": "evil.example.com"}, 3, "evil"),
        ({**KEY, "DEVKIT_TUNNEL": "none", "HTTPS_PROXY": "http://127.0.0.1:1"}, 2, "With --tunnel none"),
        ({**KEY, "VONAGE_REST_HOST": "127.0.0.1:9"}, 4, "127.0.0.1:9 cannot be reached"),
    ],
)
def test_mistake_in_the_settings_ends_in_two_lines(
    tmp_path: Path, environ: dict[str, str], code: int, words: str
) -> None:
    own = [] if "DEVKIT_TUNNEL" in environ else ["--public-url", "http://127.0.0.1:1"]
    dev = failing_dev(tmp_path, *own, **environ)

    assert dev.code == code
    lines = dev.err.splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["Error:", "Hint:"]
    assert words in lines[0]
    assert "s3cret" not in dev.err
    assert not any('"stopped"' in line for line in dev.out)


def test_offline_needs_no_credentials_and_settings_without_effect_are_named(tmp_path: Path) -> None:
    url = "https://dlr.example.test"
    environ = {
        "VONAGE_API_KEY": "abcd1234",
        "DEVKIT_FORWARD": "localhost:5000",
        "NGROK_URL": "x.example.test",
    }
    with running_dev(tmp_path, "--offline", "--public-url", url, "--no-demo", **environ) as dev:
        ready = dev.wait_for("ready", mode="offline")
        assert dev.stop() == 0

    assert ready["public_url"] == ready["local_url"]
    assert dev.stderr == (
        "DEVKIT_FORWARD is set, but devkit has no such setting. Did you mean DEVKIT_FORWARD_TO?\n"
        "--public-url (DEVKIT_PUBLIC_URL) has no effect offline: the simulator sends to the receiver itself.\n"
    )


def test_live_settings_without_effect_are_named_before_vonage_is_asked(tmp_path: Path) -> None:
    settings = {**KEY, "VONAGE_REST_HOST": "127.0.0.1:9", "NGROK_URL": "x.example.test"}
    dev = failing_dev(tmp_path, "--no-demo", "--public-url", "https://dlr.example.test", **settings)

    assert dev.code == 4
    named = [line.partition(" has no effect ")[0] for line in dev.err.splitlines() if "has no effect" in line]
    assert named == ["NGROK_URL", "--no-demo"]


def test_an_account_of_the_vonage_cli_is_named_before_it_is_used(tmp_path: Path) -> None:
    (tmp_path / ".vonagerc").write_text('{"api-key": "abcd1234", "api-secret": "s3cret-value"}')

    # A proxy that is not there: nothing leaves this machine.
    dev = failing_dev(tmp_path, HTTPS_PROXY="http://127.0.0.1:1", NGROK_AUTHTOKEN="unused")

    assert dev.code == 4
    assert dev.err.startswith(f"The Vonage account is that of the Vonage CLI, in {tmp_path}/.vonagerc. ")
    assert "s3cret" not in dev.err


def ask(url: str, path: str) -> Response:
    address = parse_address(url)
    return push(Callback("GET", path, (("Host", address.netloc),)), address)


def test_each_receipt_is_forwarded_after_it_was_recorded(tmp_path: Path) -> None:
    taken: list[dict[str, str]] = []
    app = Flask("application")

    @app.route("/webhooks/dlr")
    def delivery_receipt() -> tuple[str, int]:
        taken.append(request.args.to_dict())
        return "", 204

    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/webhooks/dlr"
    with serve(app, listener), running_dev(tmp_path, "--forward-to", url) as dev:
        dev.wait_for("ready")
        events = [dev.wait_for("forwarded") for _ in range(3)]
        assert dev.stop() == 0

    assert [fields["status"] for fields in taken] == ["accepted", "buffered", "delivered"]
    assert [event["answer"] for event in events] == [204, 204, 204]
    assert {event["file"] for event in events} == {
        event["file"] for event in dev.events if event["event"] == "receipt"
    }


def test_a_command_is_run_for_a_status(tmp_path: Path) -> None:
    program = "import json, sys; print(json.load(sys.stdin)['receipt']['status'])"
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(program)}"
    with running_dev(tmp_path, "--offline", "--on", "delivered", command) as dev:
        ended = dev.wait_for("command")
        assert dev.stop() == 0

    assert (ended["status"], ended["exit_code"], ended["problem"]) == ("delivered", 0, "")
    assert f"{Path(sys.executable).name}: delivered" in dev.stderr
    assert dev.names().count("command") == 1


def test_a_status_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    dev = failing_dev(tmp_path, "--on", "delivred", "true")

    assert dev.code == 2
    assert "Not a status: 'delivred'." in dev.err


def test_forwarding_to_the_receiver_itself_is_refused(tmp_path: Path) -> None:
    port = closed_port()
    dev = failing_dev(tmp_path, "--port", str(port), "--forward-to", f"localhost:{port}/dlr")

    assert dev.code == 3
    assert "devkit's own receiver" in dev.err


def test_signatures_cannot_be_required_without_a_secret(tmp_path: Path) -> None:
    dev = failing_dev(tmp_path, "--require-signature")

    assert dev.code == 3
    assert "VONAGE_SIGNATURE_SECRET" in dev.err


def test_secrets_that_git_tracks_are_reported_at_the_start(tmp_path: Path) -> None:
    project = project_in(tmp_path)
    project.prepare()
    project.callback_token()
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "add", "--force", ".devkit/callback-token"], check=True)

    with running_dev(tmp_path, "--offline", "--no-demo") as dev:
        dev.wait_for("ready")
        assert dev.stop() == 0

    assert f"git tracks 1 file in {project.private}, where secrets are" in dev.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows moves no directory that is in use")
def test_a_private_directory_that_became_a_file_does_not_keep_the_session_from_its_end(
    tmp_path: Path,
) -> None:
    with running_dev(tmp_path, "--offline", "--no-demo") as dev:
        ready = dev.wait_for("ready")
        (tmp_path / ".devkit").rename(tmp_path / "elsewhere")
        (tmp_path / ".devkit").write_text("a file")
        assert push(compose({"status": "delivered"}, "get"), parse_address(ready["local_url"])).status == 200
        code = dev.stop()

    assert (code, dev.stderr) == (0, "")
    assert dev.names()[-2:] == ["restored", "stopped"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no FIFO")
def test_a_fifo_in_the_place_of_a_private_file_does_not_hold_the_end_up(tmp_path: Path) -> None:
    private = tmp_path / ".devkit"
    with running_dev(tmp_path, "--offline", "--no-demo") as dev:
        dev.wait_for("ready")
        for name in ("session.json", "registration-offline.json", "session.lock"):
            (private / name).unlink()
            os.mkfifo(private / name)
        code = dev.stop()

    assert (code, dev.stderr) == (0, "")
    assert dev.names()[-2:] == ["restored", "stopped"]
