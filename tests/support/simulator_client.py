"""A callback URL for the simulator, and calls to its APIs."""

import base64
import http.client
import json
import math
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jwt
from requests.adapters import HTTPAdapter

from devkit.simulator import Simulator, SimulatorOptions
from devkit.webhook.callback import Callback
from devkit.webhook.receipt import Receipt, read
from tests.support.raw_socket import DEADLINE, closed_port
from tests.support.recording_server import RecordingServer, Response

if TYPE_CHECKING:
    from vonage import Vonage
    from vonage_http_client.http_client import HttpClient

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
    def documents(self) -> list[dict[str, Any]]:
        """The JSON objects that arrived, without the probe."""
        return [json.loads(callback.body) for callback in self.arrived if callback.body]

    def wait_for_documents(self, count: int) -> list[dict[str, Any]]:
        assert self.wait_for_arrival(lambda: len(self.documents) >= count), self.documents
        return self.documents

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


def ask(simulator, method, path, document=None, headers=None):
    """A call of a newer API with a JSON object, as the owner unless headers are given. Status and JSON."""
    body = b"" if document is None else json.dumps(document).encode()
    status, _, text = call(simulator, method, path, body, owner(simulator) if headers is None else headers)
    return status, json.loads(text) if text else None


def set_options(simulator, **options):
    """Change options of the simulator over HTTP."""
    status, answer = ask(simulator, "POST", "/simulator/settings", options)
    assert status == 200, answer


TEXT = {"channel": "sms", "message_type": "text", "to": "447700900000", "from": "AcmeInc", "text": "Hello"}


def send_text(simulator, headers=None, **fields):
    """Send a message through the Messages API. Status and JSON."""
    return ask(simulator, "POST", "/v1/messages", {**TEXT, **fields}, headers)


def bearer(simulator, **claims) -> dict[str, str]:
    """The token of the simulator's application, as the vonage SDK makes it. A claim that is None is left out."""
    now = int(time.time())
    own = {"application_id": simulator.application_id, "iat": now, "jti": str(uuid.uuid4()), "exp": now + 900}
    given = {name: value for name, value in {**own, **claims}.items() if value is not None}
    return {"Authorization": f"Bearer {jwt.encode(given, simulator.private_key, 'RS256')}"}


def link(simulator, **urls: str) -> None:
    """Give the simulator's application these URLs: `inbound_url`, `status_url`."""
    path = f"/v2/applications/{simulator.application_id}"
    webhooks = {name: {"address": url, "http_method": "POST"} for name, url in urls.items()}
    document = {"name": "devkit", "capabilities": {"messages": {"webhooks": webhooks}}}
    status, answer = ask(simulator, "PUT", path, document)
    assert status == 200, answer


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

    def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, stream, timeout, verify, cert, proxies)


def sdk(simulator, secret: str | None = None, *, application: bool = False) -> "Vonage":
    from vonage import (  # here: slow, and every process of `make test` loads conftest
        Auth,
        HttpClientOptions,
        Vonage,
    )

    signing = {"application_id": simulator.application_id, "private_key": simulator.private_key}
    secret = secret or simulator.api_secret
    auth = Auth(api_key=simulator.api_key, api_secret=secret, **(signing if application else {}))
    hosts = {"api_host": simulator.host, "rest_host": simulator.host}
    client = Vonage(auth, HttpClientOptions(**hosts, timeout=10, pool_maxsize=1))
    http_client: HttpClient = client.http_client
    http_client._session.trust_env = False
    http_client._session.mount(f"https://{simulator.host}/", PlainHTTP())
    return client
