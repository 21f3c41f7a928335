"""The live path, whole: the real SDK, the real pyngrok driving an agent process, a receipt through the public URL
into a file, and everything given back. Only the two far ends are stand-ins: ngrok's agent and Vonage's platform."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.fixture.format import load
from devkit.fixture.store import Store
from devkit.simulator import Simulator, run_simulator
from devkit.vonage.account import AccountSetting
from devkit.vonage.client import Credentials
from devkit.vonage.sms import send_sms
from devkit.webhook.receipt import Receipt
from tests.support.dev_process import running_dev
from tests.support.proxy import connect_proxy, https_server
from tests.support.raw_socket import closed_port
from tests.support.simulator_client import listening
from tests.support.standin import install_standin, standin_state

pytestmark = pytest.mark.program

TOKEN = "2abcDEFauthtokenNeverShown_0123456789"


@pytest.fixture
def vonage() -> Iterator[Simulator]:
    with run_simulator() as simulator:
        yield simulator


def live_environ(simulator: Simulator, agent: Path) -> dict[str, str]:
    return {
        "VONAGE_API_KEY": simulator.api_key,
        "VONAGE_API_SECRET": simulator.api_secret,
        "VONAGE_REST_HOST": simulator.host,
        "NGROK_AUTHTOKEN": TOKEN,
        "PYNGROK_NGROK_PATH": str(agent),
    }


def test_receipt_travels_from_the_platform_through_the_tunnel_into_a_file(
    tmp_path: Path, vonage: Simulator
) -> None:
    agent = install_standin(tmp_path)
    credentials = Credentials(vonage.api_key, vonage.api_secret, vonage.host)

    with running_dev(tmp_path, **live_environ(vonage, agent)) as dev:
        ready = dev.wait_for("ready")
        registered = vonage.account.dr_callback_url
        standin = standin_state(agent)
        ids = send_sms(credentials, to="447700900000", sender="AcmeInc", text="Hello")
        events = [dev.wait_for("receipt") for _ in range(3)]
        code = dev.stop()

    assert code == 0
    assert ready["mode"] == "live"
    assert ready["public_url"] == standin["url"] != ready["local_url"]
    assert registered == ready["callback_url"]
    assert [event["status"] for event in events] == ["accepted", "buffered", "delivered"]
    recording = load(Path(events[-1]["file"]))
    reading = recording.read()
    assert isinstance(reading, Receipt)
    assert reading.message_id == ids[0]
    assert recording.callback.header("X-Forwarded-For") == "127.0.0.1"
    assert recording.callback.header("User-Agent") == "Nexmo/MessagingHUB/v1.0"

    assert dev.names()[-2:] == ["restored", "stopped"]
    assert vonage.account.dr_callback_url == ""
    assert not is_alive(int(str(standin["pid"])))
    assert {path.name for path in (tmp_path / ".devkit").iterdir()} == {".gitignore", "callback-token"}
    assert len(list(Store(tmp_path / "fixtures").entries())) == 3
    printed = dev.stderr + str(dev.events)
    assert TOKEN not in printed
    assert vonage.api_secret not in printed


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_former_callback_is_restored(tmp_path: Path, vonage: Simulator) -> None:
    agent = install_standin(tmp_path)
    with listening() as former:
        set_callback(vonage, former.url)

        with running_dev(tmp_path, **live_environ(vonage, agent)) as dev:
            registered = dev.wait_for("registered")
            dev.wait_for("ready")
            assert dev.stop() == 0

    assert registered["former_url"] == former.url
    assert vonage.account.dr_callback_url == former.url


def test_former_callback_that_is_dead_is_reported_and_the_exit_code_says_so(
    tmp_path: Path, vonage: Simulator
) -> None:
    agent = install_standin(tmp_path)
    with listening() as former:
        set_callback(vonage, former.url)
        with running_dev(tmp_path, **live_environ(vonage, agent)) as dev:
            ready = dev.wait_for("ready")
            former.probe = 404
            code = dev.stop()

    assert code == 4
    assert f"The former callback {former.url} could not be restored" in dev.stderr
    assert "devkit restore" in dev.stderr
    assert vonage.account.dr_callback_url == ready["callback_url"]
    assert (tmp_path / ".devkit" / "registration.json").exists()


def set_callback(simulator: Simulator, url: str) -> None:
    AccountSetting(Credentials(simulator.api_key, simulator.api_secret, simulator.host)).set_callback(url)


@pytest.mark.parametrize(
    ("fault", "words"), [("bad-authtoken", "ERR_NGROK_107"), ("no-authtoken", "ERR_NGROK_4018")]
)
def test_token_that_ngrok_refuses_ends_in_two_lines_and_changes_nothing(
    tmp_path: Path, vonage: Simulator, fault: str, words: str
) -> None:
    agent = install_standin(tmp_path)

    with running_dev(tmp_path, **live_environ(vonage, agent), STANDIN_FAULT=fault) as dev:
        code = dev.finish()

    assert code == 5
    assert words in dev.stderr
    assert len(dev.stderr.splitlines()) == 2
    assert TOKEN not in dev.stderr
    assert vonage.account.dr_callback_url == ""
    assert not (tmp_path / ".devkit" / "registration.json").exists()


def test_where_only_a_proxy_leads_out_a_session_becomes_ready(tmp_path: Path, vonage: Simulator) -> None:
    port, name = closed_port(), "dlr.example.test"  # which no resolver knows
    more = live_environ(vonage, tmp_path / "no-agent") | {"DEVKIT_PORT": str(port)}
    with https_server(name, tmp_path / "ca.pem", port) as public, connect_proxy(public.place) as proxy:
        more |= {"HTTPS_PROXY": proxy.url, "REQUESTS_CA_BUNDLE": str(tmp_path / "ca.pem")}
        # Not registered, because the simulator would ask the URL without the proxy.
        with running_dev(tmp_path, "--no-register", "--public-url", f"https://{name}", **more) as dev:
            ready = dev.wait_for("ready")
            assert dev.stop() == 0

    assert ready["public_url"] == f"https://{name}"
    assert set(proxy.asked) == {f"CONNECT {name}:443"}
