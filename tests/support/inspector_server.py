"""An inspector over a directory, served as `devkit dev` does.

By hand: python -m tests.support.inspector_server DIRECTORY [PORT]
"""

import json
import socket
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from devkit.events import Event
from devkit.events.session import ReceiptTaken
from devkit.fixture.format import OWNER, Fixture, dumps
from devkit.fixture.redaction.policy import Policy
from devkit.fixture.response_log import ResponseLog
from devkit.fixture.store import Store, file_name
from devkit.http.address import parse_address
from devkit.http.client import Response
from devkit.http.server import listen
from devkit.inspector.app import create_inspector, serve_inspector
from devkit.inspector.context import Options, SampleOptions
from devkit.inspector.event_log import EventLog
from devkit.webhook.callback import Callback, Transport, compose
from devkit.webhook.jwt import make_token
from devkit.webhook.new_webhook import (
    TextPart,
    compose_messages,
    make_receipt_fields,
    make_sms_inbound_fields,
    make_status_fields,
)
from devkit.webhook.receipt import Webhook, webhook_in
from tests.support.raw_socket import DEADLINE

KEY = bytes(range(32))

# What an attacker may send to run code in a page, or to mislead its reader.
HOSTILE = {
    "status": "<script>alert(1)</script>",
    "messageId": '"><img src=x onerror=alert(1)>',
    "err-code": "&times;&times",
    "msisdn": "{{7*7}}${7*7}",
    "network-code": "'; DROP",
    "client-ref": "\u202egnp.exe\u2066\x00\x1b[31m\u200b",
    "</title><script>alert(2)</script>": "javascript:alert(3)",
    "odd\u202ename": "\ud800",
    "x" * 3000: "y" * 3000,
}


@dataclass(slots=True)
class Recordings:
    """A store and an event log, with a clock that each new recording advances."""

    store: Store
    event_log: EventLog = field(init=False)
    now: datetime = datetime(2026, 11, 23, 13, 45, tzinfo=UTC)

    def __post_init__(self) -> None:
        self.store.prepare()
        self.private.mkdir(exist_ok=True)
        self.event_log = EventLog(self.clock)

    def clock(self) -> datetime:
        return self.now

    @property
    def private(self) -> Path:
        """The private directory of the project."""
        return self.store.root.parent / ".devkit"

    def response(
        self,
        key: str,
        status: int | None = 200,
        *,
        ms: float = 12.5,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        problem: str = "",
        sent_again: bool = False,
    ) -> None:
        """Log a response of the application to a recording. status: None for none, then problem says why."""
        log = ResponseLog(self.private, "http://127.0.0.1:5000/dlr", self.clock)
        if status is None:
            log.add_failure(key, problem, sent_again=sent_again)
        else:
            head = tuple(f"{name}: {value}".encode("latin-1") for name, value in headers)
            log.add_response(key, Response(status, ms / 1000, body, sent_again, head))

    def options(self, **changes: object) -> Options:
        samples = SampleOptions(self.store.samples, lambda: Policy(KEY))
        options = Options(clock=self.clock, zone=UTC, samples=samples, private=self.private)
        return replace(options, **changes)  # type: ignore[arg-type]

    def receipt(
        self,
        status: str = "delivered",
        message: str = "0A00000000000001",
        err_code: str = "0",
        *,
        seconds: float = 1,
        transport: Transport = "get",
        **changes: str,
    ) -> str:
        """Record a receipt some seconds after the previous one, and publish its event; returns the key."""
        pushed_at = self.now + timedelta(seconds=seconds)
        fields = make_receipt_fields(status, err_code, message_id=message, pushed_at=pushed_at)
        fields |= {name.replace("_", "-"): value for name, value in changes.items()}
        return self.callback(compose(fields, transport), seconds=seconds)

    def fields(self, fields: Mapping[str, object], transport: Transport = "get") -> str:
        """Record a receipt of these fields."""
        return self.callback(compose(fields, transport))

    def many(self, count: int) -> None:
        """Record receipts of one message each, quickly: without fsync, and without events."""
        for number in range(count):
            self.now += timedelta(milliseconds=1)
            fields = make_receipt_fields("delivered", "0", message_id=f"0B{number:014}", pushed_at=self.now)
            fixture = Fixture(self.now, compose(fields, "get"))
            day = self.store.recorded / self.now.date().isoformat()
            day.mkdir(exist_ok=True)
            (day / file_name(self.now, fixture.read())).write_bytes(dumps(fixture))

    def status(
        self,
        status: str,
        message: str,
        error: str = "",
        *,
        secret: str = "",
        seconds: float = 1,
        **changes: object,
    ) -> str:
        """Record a status of the Messages API. secret: of its token, which it has not when that is empty."""
        at = self.now + timedelta(seconds=seconds)
        fields = make_status_fields(status, message_uuid=message, timestamp=at, error=error) | changes
        return self.messages(fields, secret, seconds=seconds)

    def messages(self, fields: Mapping[str, object], secret: str = "", *, seconds: float = 1) -> str:
        """Record a webhook of the Messages API with any fields."""
        body = json.dumps(fields).encode()
        claims = {"api_key": "abcd1234", "now": self.now, "jti": str(UUID(int=1))}
        token = make_token(body, secret, **claims) if secret else ""  # type: ignore[arg-type]
        return self.callback(compose_messages(body, token), seconds=seconds)

    def inbound(self, text: str, message: str, part: TextPart | None = None, **people: str) -> str:
        """Record an inbound message of the SMS API, or a part of one."""
        fields = make_sms_inbound_fields(text, message_id=message, pushed_at=self.now, part=part, **people)
        return self.callback(compose(fields, "get"))

    def parts(
        self, texts: Sequence[str], numbers: Sequence[int], reference: str = "222", **people: str
    ) -> list[str]:
        """Record parts of an inbound text, in the order of these numbers."""
        total = len(texts)
        return [
            self.inbound(
                texts[number - 1],
                f"2800000000{reference:>04}{number:02}",
                TextPart(reference, total, number),
                **people,
            )
            for number in numbers
        ]

    def callback(self, callback: Callback, *, seconds: float = 1, who: str = "") -> str:
        """Record any callback. who: the member of a relay whose message it is."""
        self.now += timedelta(seconds=seconds)
        fixture = Fixture(self.now, callback, tags=(f"{OWNER}{who}",) if who else ())
        reading = fixture.read()
        path = self.store.record(fixture, reading)
        self.event_log.publish(taken(path, webhook_in(reading), kind=reading.kind))
        return path.relative_to(self.store.recorded).as_posix()


def taken(path: Path | None, receipt: Webhook, **changes: object) -> Event:
    """The event of a received receipt; without a path that of a replay."""
    values: dict[str, object] = {
        "file": str(path or ""),
        "message_id": receipt.message_id,
        "status": receipt.status,
        "err_code": receipt.err_code,
        "meaning": "",
        "signature": "absent",
        "network": "",
        "latency_ms": None,
        "msisdn": "",
        "transport": "get",
        "problem": "",
        "replay": path is None,
    }
    return ReceiptTaken(**{**values, **changes})  # type: ignore[arg-type]


@contextmanager
def running_inspector(recordings: Recordings, *, port: int = 0, **options: object) -> Iterator[str]:
    """The address of an inspector while the block runs."""
    listener = listen("127.0.0.1", port)
    app = create_inspector(recordings.store, recordings.event_log, recordings.options(**options))
    with serve_inspector(app, recordings.event_log, listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def stream(url: str, **headers: str) -> Iterator["Stream"]:
    place = ("127.0.0.1", int(url.rpartition(":")[2]))
    with socket.create_connection(place, DEADLINE) as connection:
        lines = ["GET /stream HTTP/1.1", f"Host: 127.0.0.1:{place[1]}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        yield Stream(connection)


class Stream:
    """Server-sent events, read one at a time."""

    def __init__(self, connection: socket.socket) -> None:
        self.file = connection.makefile("rb")

    def next(self) -> tuple[str, dict[str, Any]]:
        name = ""
        while line := self.file.readline():
            if line.startswith(b"event: "):
                name = line[7:].strip().decode()
            if line.startswith(b"data: "):
                return name, json.loads(line[6:])
        return "closed", {}


def main(directory: str, port: str = "3040") -> None:
    """Serve until Ctrl-C, with the real clock."""
    recordings = Recordings(Store(Path(directory)))
    usual = {
        "clock": lambda: datetime.now(UTC),
        "zone": None,
        "forward_to": parse_address("127.0.0.1:5000/dlr"),
    }
    with running_inspector(recordings, port=int(port), **usual) as url:
        sys.stdout.write(f"{url}\n")
        threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
