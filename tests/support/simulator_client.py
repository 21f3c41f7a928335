"""A callback URL for the simulator, and calls to its APIs."""

import base64
import http.client
import json
import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from urllib.parse import urlencode

from requests.adapters import HTTPAdapter
from vonage import Auth, HttpClientOptions, Vonage
from vonage_http_client.http_client import HttpClient

from devkit.simulator import Simulator, SimulatorOptions
from devkit.webhook.callback import Callback
from devkit.webhook.receipt import Receipt, read
from tests.support.raw_socket import DEADLINE, closed_port
from tests.support.recording_server import RecordingServer, Response

PATH = "/webhooks/delivery-receipt"
JUMPING = SimulatorOptions(speed=math.inf)


class Listener(RecordingServer):
    """A callback URL. answers: statuses for the next receipts, then 200. probe: the status for probes."""

    def __init__(self, answers: Sequence[int], probe: int) -> None:
        self.answers = list(answers)
        self.probe = probe
        self.gate = threading.Event()  # receipts are answered when it is open
        self.slow = ""  # the message id that waits for the gate; all do without one
        self.gate.set()
        super().__init__(self._respond)
        self.url += PATH

    @property
    def receipts(self) -> list[Receipt]:
        """Those that can be read; the probe is not one."""
        return [receipt for receipt in map(read, self.arrived) if isinstance(receipt, Receipt)]

    @property
    def statuses(self) -> list[str]:
        return [receipt.status for receipt in self.receipts]

    def wait_for(self, count: int) -> list[Receipt]:
        assert self.wait_for_arrival(lambda: len(self.receipts) >= count), self.statuses
        return self.receipts

    def _respond(self, callback: Callback) -> Response:
        if "status=" not in callback.target and not callback.body:
            return Response(self.probe)
        status = self.answers.pop(0) if self.answers else 200
        reading = read(callback)
        if not self.slow or (isinstance(reading, Receipt) and reading.message_id == self.slow):
            assert self.gate.wait(DEADLINE)
        return Response(status)


@contextmanager
def listening(answers: Sequence[int] = (), probe: int = 200) -> Iterator[Listener]:
    with closing(Listener(answers, probe)) as listener:
        yield listener


def unused_url() -> str:
    """A loopback URL where nobody listens."""
    return f"http://127.0.0.1:{closed_port()}{PATH}"


def basic(key: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()}


def owner(simulator: Simulator) -> dict[str, str]:
    return basic(simulator.api_key, simulator.api_secret)


def call(simulator, method, path, body=b"", headers=None, timeout=DEADLINE):
    """One raw request. The answer's status, headers and text."""
    connection = http.client.HTTPConnection(simulator.host, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def post(simulator, path, fields=None, headers=None):
    """A form, with the owner's credentials unless headers are given. Status and JSON."""
    headers = owner(simulator) if headers is None else headers
    status, _, text = call(simulator, "POST", path, urlencode(fields or {}), headers)
    return status, json.loads(text)


def register(simulator, listener: Listener, **fields: str) -> None:
    register_url(simulator, listener.url, **fields)


def register_url(simulator, url: str, **fields: str) -> None:
    status, document = post(simulator, "/account/settings", {"drCallBackUrl": url, **fields})
    assert status == 200, document


MESSAGE = {"from": "AcmeInc", "to": "447700900000", "text": "Hello"}


def submit(simulator, *without, headers=None, **fields):
    """One send request: the status and the error text of its only entry."""
    message = {**MESSAGE, **{name.replace("_", "-"): value for name, value in fields.items()}}
    for name in without:
        del message[name]
    status, document = post(simulator, "/sms/json", message, headers)
    assert (status, document["message-count"]) == (200, "1")
    entry = document["messages"][0]
    return entry["status"], entry.get("error-text", "")


def send(simulator, to="447700900000", **fields):
    """Send a text. The `messages` of the answer."""
    message = {**MESSAGE, "to": to, **fields}
    fields = {name.replace("_", "-"): value for name, value in message.items()}
    status, document = post(simulator, "/sms/json", fields)
    assert status == 200
    return document["messages"]


class PlainHTTP(HTTPAdapter):
    """Lets the SDK, which knows https only, talk to a plain server on loopback."""

    def send(self, request, **options):
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, **options)


def sdk(simulator, secret: str | None = None) -> Vonage:
    auth = Auth(api_key=simulator.api_key, api_secret=secret or simulator.api_secret)
    client = Vonage(auth, HttpClientOptions(rest_host=simulator.host, timeout=10, pool_maxsize=1))
    http_client: HttpClient = client.http_client
    http_client._session.trust_env = False
    http_client._session.mount(f"https://{simulator.host}/", PlainHTTP())
    return client
