"""Puts receipts into a real engine, as the relay's receiver does, and reads what followers made of them."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devkit.fixture.format import Fixture, load
from devkit.fixture.store import Store
from devkit.relay.cipher import Cipher
from devkit.relay.engine import RedisEngine
from devkit.relay.engine_url import parse_engine_url
from devkit.relay.entry import entry_of
from devkit.relay.stream import account_name
from tests.support.memory_engine import relayed_receipt
from tests.support.readable_fixture import read_webhook
from tests.support.redis_server import RedisServer


@dataclass(frozen=True, slots=True)
class Relay:
    """The stream of an account that only this test has. environ: the settings of a follower."""

    server: RedisServer
    engine: RedisEngine
    api_key: str

    @property
    def environ(self) -> dict[str, str]:
        return {
            "DEVKIT_RELAY": self.server.url,
            "VONAGE_API_KEY": self.api_key,
            "VONAGE_API_SECRET": "0123456789abcdef",
        }

    def put(
        self, who: str, *numbers: int, status: str = "delivered", cipher: Cipher | None = None
    ) -> list[str]:
        """Add the receipts of messages with these numbers; the ids of the entries."""
        return [self.put_fixture(who, relayed_receipt(number, status), cipher) for number in numbers]

    def put_fixture(self, who: str, fixture: Fixture, cipher: Cipher | None = None) -> str:
        entry = entry_of(fixture, fixture.read(), who=who, receiver="r1", cipher=cipher or Cipher())
        (added,) = self.engine.append([entry.as_fields()])
        assert isinstance(added, str), added
        return added


@contextmanager
def relay_on(server: RedisServer, api_key: str = "") -> Iterator[Relay]:
    """A relay on a server. api_key: of the account; a new one, with a stream of its own, without it."""
    api_key = api_key or secrets.token_hex(4)
    engine = RedisEngine(parse_engine_url(server.url), account_name(api_key))
    engine.connect()
    try:
        yield Relay(server, engine, api_key)
    finally:
        engine.close()


def recorded_files(project: Path) -> list[Path]:
    """The recordings in a project."""
    return [entry.path for entry in Store(project / "fixtures").entries()]


def recorded_numbers(project: Path) -> list[int]:
    """The numbers of the messages whose receipts are recorded in a project, each file once."""
    webhooks = [read_webhook(load(path)) for path in recorded_files(project)]
    return sorted(int(webhook.message_id.removeprefix("0A")) for webhook in webhooks)
