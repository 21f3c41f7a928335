"""The table of recipients, for each kind of program: every transport, every signature method, over https."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from vonage import Auth, HttpClientOptions, Vonage
from vonage_sms import SmsMessage

from devkit.simulator import Simulator, run_simulator
from devkit.simulator.tls import Trust, trust_in
from devkit.webhook.callback import TRANSPORTS, Transport
from devkit.webhook.signature import METHODS, Method, verify
from tests.support.raw_socket import DEADLINE
from tests.support.recipients import RECIPIENTS
from tests.support.simulator_client import JUMPING, Listener, listening, register


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return trust_in(tmp_path_factory.mktemp("project") / "ca", datetime.now(UTC))


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with listening() as running:
        yield running


@pytest.fixture(scope="module")
def simulator(trust: Trust, listener: Listener) -> Iterator[Simulator]:
    with run_simulator(JUMPING, tls=trust.context()) as running:
        yield running


@pytest.fixture
def send_all(
    request: pytest.FixtureRequest, simulator: Simulator, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], dict[str, str]]:
    """Sends a message to each recipient of the table. Message ids, by recipient."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trust.bundle))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    sender = {"sdk": by_sdk, "curl": by_curl}[request.param]
    return lambda: sender(simulator, trust)


def by_sdk(simulator: Simulator, trust: Trust) -> dict[str, str]:
    auth = Auth(api_key=simulator.api_key, api_secret=simulator.api_secret)
    client = Vonage(auth, HttpClientOptions(rest_host=simulator.host, timeout=10))
    messages = (SmsMessage(to=recipient, from_="AcmeInc", text="Hello") for recipient in RECIPIENTS)
    with client.http_client._session:  # so that no connection is left
        return {str(message.to): client.sms.send(message).messages[0].message_id for message in messages}


def by_curl(simulator: Simulator, trust: Trust) -> dict[str, str]:
    url = f"https://{simulator.host}/sms/json"
    each = ["--cacert", str(trust.authority), "--noproxy", "*", "-w", "\n", url, "-d", "from=AcmeInc"]
    each += [
        "-d",
        f"api_key={simulator.api_key}",
        "-d",
        f"api_secret={simulator.api_secret}",
        "-d",
        "text=Hello",
    ]
    calls = [[*each, "-d", f"to={recipient}", "--next"] for recipient in RECIPIENTS]
    command = ["curl", "--silent", "--show-error", *(word for call in calls for word in call)][:-1]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=6 * DEADLINE, check=True).stdout
    entries = [json.loads(line)["messages"][0] for line in printed.splitlines()]
    return {entry["to"]: entry["message-id"] for entry in entries}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    "send_all",
    [
        "sdk",
        pytest.param(
            "curl", marks=pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here")
        ),
    ],
    indirect=True,
)
def test_every_recipient_gets_its_receipts(
    simulator: Simulator,
    listener: Listener,
    send_all: Callable[[], dict[str, str]],
    transport: Transport,
    method: Method,
) -> None:
    simulator.reset()
    listener.arrived.clear()
    register(simulator, listener)
    simulator.configure(
        lambda options: replace(options, method=transport, sign_receipts=True, signature_method=method)
    )

    ids = send_all()
    assert simulator.wait_idle(DEADLINE)

    probe, *pushed = listener.arrived
    assert not probe.query
    assert {callback.transport for callback in pushed} == {transport}
    got: dict[str, list[tuple[str, str]]] = {ids[recipient]: [] for recipient in RECIPIENTS}
    for receipt in listener.receipts:
        assert verify(receipt.fields, simulator.options.signature_secret, method) == "valid"
        got[receipt.message_id].append((receipt.status, receipt.err_code))
    assert got == {ids[recipient]: promise for recipient, promise in RECIPIENTS.items()}
