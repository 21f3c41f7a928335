"""Vonage's SMS and settings APIs, answered inside the process.

It accepts any request. The simulator has the platform's rules: credentials, limits, receipts.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import parse_qsl

import responses
from requests import PreparedRequest

from devkit.http.local_access import LOCAL_NAMES, Host
from devkit.webhook.receipt import IdStyle, make_message_id
from devkit.webhook.sms_text import split

_HOST = "https://rest.nexmo.com"
_NAMES = {"moCallBackUrl": "mo-callback-url", "drCallBackUrl": "dr-callback-url"}
_UNSET: dict[str, object] = {
    **dict.fromkeys(_NAMES.values(), ""),
    "max-outbound-request": 30,
    "max-inbound-request": 30,
    "max-calls-per-second": 30,
}

_Reply = tuple[int, dict[str, str], str]


@dataclass(slots=True)
class VonageStub:
    """The requests so far, and the next responses.

    sent: the parameters of each send call. message_ids: of the responses, one for each part of a text.
    settings: of the account, such as `dr-callback-url`. id_style: of the next message ids.
    """

    sent: list[dict[str, str]] = field(default_factory=list, repr=False)
    message_ids: list[str] = field(default_factory=list)
    settings: dict[str, object] = field(default_factory=lambda: dict(_UNSET))
    id_style: IdStyle = "uuid"
    _refusals: list[tuple[str, str]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def refuse(self, status: str, text: str) -> None:
        """Answer the next send call with an error, such as ("29", "Non White-listed Destination")."""
        self._refusals.append((status, text))

    def send(self, request: PreparedRequest) -> _Reply:
        fields = _fields(request)
        self.sent.append(fields)
        if self._refusals:
            status, text = self._refusals.pop(0)
            return _messages([{"status": status, "error-text": text}])
        parts = split(fields.get("text", ""), unicode=fields.get("type") == "unicode")
        return _messages([self._part(fields.get("to", "")) for _ in parts])

    def save(self, request: PreparedRequest) -> _Reply:
        # The documented spelling only, as the simulator: nobody knows whether the platform takes another.
        fields = _fields(request)
        self.settings.update((shown, fields[name]) for name, shown in _NAMES.items() if name in fields)
        return _json(self.settings)

    def _part(self, recipient: str) -> dict[str, str]:
        made = make_message_id(next(self._numbers), self.id_style)
        self.message_ids.append(made)
        return {
            "to": recipient,
            "message-id": made,
            "status": "0",
            "remaining-balance": "15.53590000",
            "message-price": "0.03330000",
            "network": "23410",
        }


@contextmanager
def stubbed() -> Iterator[VonageStub]:
    """Answer for rest.nexmo.com while the block runs. Requests to this machine go through, all others fail."""
    stub = VonageStub()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_callback(responses.POST, f"{_HOST}/sms/json", stub.send)
        mock.add_callback(responses.POST, f"{_HOST}/account/settings", stub.save)
        for name in LOCAL_NAMES:
            mock.add_passthru(f"http://{Host(name)}")
        yield stub


def _fields(request: PreparedRequest) -> dict[str, str]:
    body = request.body or ""
    return dict(parse_qsl(body.decode() if isinstance(body, bytes) else str(body), keep_blank_values=True))


def _messages(messages: list[dict[str, str]]) -> _Reply:
    return _json({"message-count": str(len(messages)), "messages": messages})


def _json(document: object) -> _Reply:
    return 200, {"Content-Type": "application/json"}, json.dumps(document)
