from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from devkit.errors import RelayError, StoreError
from devkit.fixture.store import NewRecording
from devkit.relay.cipher import Cipher, parse_keys
from devkit.relay.engine import RedisEngine
from devkit.relay.entry import file_of, parse_entry
from devkit.relay.member import member_path
from devkit.relay.store import RelayStore
from devkit.relay.stream import EntryFields, Span, StreamEntry
from devkit.webhook.callback import CALLBACK_PATH, Callback
from tests.support.fake_engine import engine_at, fake_engine_url
from tests.support.fixture_example import EXAMPLE
from tests.support.team_keys import OLD

TEAM = "team-token-0123456789"
ACCOUNT_PATH = f"{CALLBACK_PATH}/{TEAM}"


@pytest.fixture
def engine() -> Iterator[RedisEngine]:
    with fake_engine_url() as url, engine_at(url) as engine:
        yield engine


def recording(target: str, body: bytes = b"") -> NewRecording:
    headers = (("Content-Type", "application/json"),) if body else ()
    fixture = replace(EXAMPLE, callback=Callback("POST" if body else "GET", target, headers, body))
    return fixture, fixture.read()


RECORDINGS = [
    recording(f"{member_path(TEAM, 'ada')}?messageId=A1&status=delivered&msisdn=447700900001"),
    recording(f"{ACCOUNT_PATH}?messageId=A2&status=failed&msisdn=447700900001&client-ref=bob:7"),
    recording(f"{ACCOUNT_PATH}?messageId=A3&status=accepted&msisdn=447700900001&client-ref=order-7"),
    recording(f"{ACCOUNT_PATH}?msisdn=447700900001&to=447700900002&messageId=A4&text=Hi&type=text"),
    recording(
        ACCOUNT_PATH,
        b'{"message_uuid": "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab", "to": "447700900001", "from": "AcmeInc",'
        b'"timestamp": "2026-11-23T12:00:00Z", "status": "delivered", "client_ref": "ci.4711:x", "channel": "sms"}',
    ),
    recording(ACCOUNT_PATH, b"\xff no JSON"),
]


@pytest.mark.parametrize("cipher", [Cipher(), parse_keys(OLD)])
def test_webhooks_of_any_kind_are_kept_as_their_files_with_their_owners(
    engine: RedisEngine, cipher: Cipher
) -> None:
    ids = RelayStore(engine, cipher, "box-1", TEAM).record_all(RECORDINGS)
    kept = [(each.id, parse_entry(each.id, each.fields)) for each in engine.read("", 0, 10)]

    assert [entry_id for entry_id, _ in kept] == ids
    assert [entry.who for _, entry in kept] == ["ada", "bob", "", "", "ci.4711", ""]
    assert [entry.status for _, entry in kept] == [
        "delivered",
        "failed",
        "accepted",
        "inbound",
        "delivered",
        "",
    ]
    assert {entry.receiver for _, entry in kept} == {"box-1"}
    assert [file_of(entry_id, entry, cipher)[0] for entry_id, entry in kept] == [
        fixture for fixture, _ in RECORDINGS
    ]


class _RefusingEngine:
    """Keeps the first entry of a group only."""

    def append(self, entries: Sequence[EntryFields]) -> list[str | RelayError]:
        return ["1-1", *(RelayError("The engine failed: no room.", hint="Find out.") for _ in entries[1:])]

    def read(self, after: str, wait: float, count: int) -> list[StreamEntry]:
        raise NotImplementedError

    def span(self) -> Span:
        raise NotImplementedError


def test_what_the_engine_refuses_is_an_error_in_its_place() -> None:
    first, *others = RelayStore(_RefusingEngine(), Cipher(), "box-1", TEAM).record_all(RECORDINGS[:3])

    assert first == "1-1"
    assert len(others) == 2
    for error in others:
        assert isinstance(error, StoreError)
        assert error.message == "A receipt could not be kept. The engine failed: no room."
        assert error.hint == "Vonage will send it again. Find out."


def test_a_repr_does_not_show_the_token(engine: RedisEngine) -> None:
    shown = repr(RelayStore(engine, parse_keys(OLD), "box-1", TEAM))

    assert "box-1" in shown
    assert TEAM not in shown
