"""Recordings in a store, and the report of them."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

from devkit.fixture.format import Fixture
from devkit.fixture.redaction.policy import Policy
from devkit.fixture.response_log import LoggedResponse, recording_key
from devkit.fixture.store import Store
from devkit.inspector.report import Report, make_report
from devkit.webhook.callback import compose
from devkit.webhook.new_webhook import make_receipt_fields
from devkit.webhook.timeline import SentMessage

NOW = datetime(2026, 11, 23, 13, 45, tzinfo=UTC)
ID, OTHER = "3c7e09b1-5a4d-4f68-8a00-00001234567b", "3c7e09b1-5a4d-4f68-8a00-00001234567c"
POLICY = Policy(bytes(range(32)), private={"DEVKIT_CALLBACK_TOKEN": "Zp3-token-Zp3-token"})


def record(store: Store, status: str, message_id: str = ID, *, after: float = 0, **changes: str) -> Path:
    """Record a receipt some seconds after NOW. changes: of its fields, with _ for -."""
    at = NOW + timedelta(seconds=after)
    code = changes.pop("err_code", "0")
    fields = make_receipt_fields(status, code, message_id=message_id, pushed_at=NOW)
    fields |= {name.replace("_", "-"): value for name, value in changes.items()}
    fixture = Fixture(at, compose(fields, "get"))
    return store.record(fixture, fixture.read())


def report(
    paths: list[Path],
    *responses: LoggedResponse,
    private: bool = False,
    policy: Policy = POLICY,
    sends: Mapping[str, SentMessage] | None = None,
) -> Report:
    """The report of these recordings, redacted unless it is private."""
    logged = {
        recording_key(path): [each for each in responses if each.file == recording_key(path)]
        for path in paths
    }
    return make_report(
        paths, None if private else policy, logged, sends or {}, NOW, secret="", method="md5hash"
    )


def html(made: Report) -> str:
    return made.html.decode()


def words(made: Report) -> str:
    """What a reader sees."""
    body = html(made).partition("<body")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", f"<{body}")).split())


def response(path: Path, status: int | None = 200, **values: object) -> LoggedResponse:
    """A response of the application to a recording."""
    return LoggedResponse(recording_key(path), NOW, "http://127.0.0.1:5000/dlr", status, 12.3, **values)  # type: ignore[arg-type]
