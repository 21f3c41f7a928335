from collections.abc import Iterator

import pytest

from devkit.relay.cipher import Cipher, parse_keys
from devkit.relay.engine import RedisEngine
from devkit.relay.entry import entry_of
from devkit.relay.status import relay_status
from devkit.relay.stream import EntryFields, entry_time
from tests.support.fake_engine import engine_at, fake_engine_url
from tests.support.fixture_example import EXAMPLE
from tests.support.team_keys import OLD


@pytest.fixture
def engine() -> Iterator[RedisEngine]:
    with fake_engine_url() as url, engine_at(url) as engine:
        yield engine


def entry(who: str, receiver: str, cipher: Cipher) -> EntryFields:
    return entry_of(EXAMPLE, EXAMPLE.read(), who=who, receiver=receiver, cipher=cipher).as_fields()


def test_an_engine_that_keeps_nothing_has_no_times(engine: RedisEngine) -> None:
    status = relay_status(engine)

    assert (status.kept_since, status.newest, status.count, status.lately, status.owners) == (
        None,
        None,
        0,
        0,
        {},
    )


def test_a_status_counts_owners_and_receivers(engine: RedisEngine) -> None:
    key = parse_keys(OLD)
    owners = ["ada", "bob", "ada", ""]
    entries = [entry(who, f"box-{number % 2}", key if who else Cipher()) for number, who in enumerate(owners)]
    ids = [str(each) for each in engine.append([*entries, {b"v": b"2"}])]
    status = relay_status(engine)

    assert status.count == 5
    assert status.lately == 4  # the entry of a newer version tells nothing
    assert list(status.owners.items()) == [("ada", 2), ("bob", 1), ("", 1)]
    assert status.receivers == {"box-0": entry_time(ids[2]), "box-1": entry_time(ids[3])}
    assert status.key_ids == ("", key.key_id)
    assert (status.kept_since, status.newest) == (entry_time(ids[0]), entry_time(ids[4]))
