"""A Vonage application behind Vonage's Applications API, on this machine, and the numbers that are linked to it."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from copy import deepcopy
from typing import Any

from devkit.vonage.client import Credentials
from devkit.webhook.callback import Callback
from tests.support.recording_server import RecordingServer, Response

Json = dict[str, Any]

APPLICATION_ID = "78d335fa-323d-0114-9c3d-d6f0d48968cf"
FORMER_STATUS = "https://production.example.com/status"
FORMER_INBOUND = "https://production.example.com/inbound"

# With fields that the SDK's models lose (vonage-application 2.0.2), and one that nobody knows.
APPLICATION: Json = {
    "id": APPLICATION_ID,
    "name": "My Application",
    "keys": {"public_key": "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n"},
    "privacy": {"improve_ai": False},
    "capabilities": {
        "voice": {
            "webhooks": {
                "answer_url": {
                    "address": "https://production.example.com/answer",
                    "http_method": "GET",
                    "connection_timeout": 1000,
                }
            },
            "payment_enabled": True,
        },
        "messages": {
            "webhooks": {
                "inbound_url": {"address": FORMER_INBOUND, "http_method": "POST"},
                "status_url": {"address": FORMER_STATUS, "http_method": "POST"},
            },
            "version": "v1",
            "authenticate_inbound_media": False,
        },
        "network_apis": {"redirect_uri": "https://production.example.com/network"},
        "made_up": [1, {"deep": None}],
    },
    "_links": {"self": {"href": f"/v2/applications/{APPLICATION_ID}"}},
}


class FakeVonage(RecordingServer):
    """application: as the platform holds it. A PUT replaces it.

    refusal: the response to a PUT. saving: changes what a PUT saves. before: hooks, by the number of the call of the
    Applications API, counted from 0. faults: responses instead, by the same number; None hangs up. saves_at_fault:
    whether a PUT takes effect before its fault.
    """

    def __init__(self, application: Json) -> None:
        self.application = deepcopy(application)
        self.refusal: Response | None = None
        self.saving: Callable[[Json], None] = lambda application: None
        self.before: dict[int, Callable[[], object]] = {}
        self.faults: dict[int, Response | None] = {}
        self.saves_at_fault = False
        self.numbers: list[Json] = []
        self.puts: list[Json] = []
        self.calls = 0
        super().__init__(self._respond)

    @property
    def credentials(self) -> Credentials:
        return Credentials("abcd1234", "s3cret-value", self.host)

    @property
    def addresses(self) -> dict[str, str]:
        """Of the messages capability."""
        webhooks = self.application["capabilities"]["messages"]["webhooks"]
        return {name: webhook["address"] for name, webhook in webhooks.items()}

    def _respond(self, request: Callback) -> Response | None:
        if request.target.startswith("/account/numbers?"):
            return as_json({"count": len(self.numbers), "numbers": self.numbers} if self.numbers else {})
        if request.target == "/v1/messages":
            return as_json({"message_uuid": "c26213be-2916-4c64-903e-4125158eedd8"}, 202)
        if request.target != f"/v2/applications/{APPLICATION_ID}":
            return as_json({"title": "Not Found", "detail": "Invalid Application ID"}, 404)
        self.before.get(number := self.calls, bool)()
        self.calls += 1
        is_fault = number in self.faults
        if request.method == "PUT" and (self.saves_at_fault or not is_fault):
            response = self._put(json.loads(request.body))
        else:
            response = as_json(self.application)
        return self.faults[number] if is_fault else response

    def _put(self, sent: Json) -> Response:
        self.puts.append(sent)
        if self.refusal:
            return self.refusal
        links = {name: self.application[name] for name in ("id", "_links")}
        self.application = {"id": links["id"], **deepcopy(sent), "_links": links["_links"]}
        self.saving(self.application)
        return as_json(self.application)


def as_json(document: object, status: int = 200) -> Response:
    return Response(status, json.dumps(document).encode(), "application/json")


@contextmanager
def fake_vonage(application: Json = APPLICATION) -> Iterator[FakeVonage]:
    with closing(FakeVonage(application)) as vonage:
        yield vonage


def without_messages() -> Json:
    """The application without the messages capability."""
    application = deepcopy(APPLICATION)
    del application["capabilities"]["messages"]
    return application
