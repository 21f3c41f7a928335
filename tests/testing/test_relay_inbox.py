"""The inbox of a test that a relay fills, and its pytest fixture."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.errors import ConfigurationError, RelayError
from devkit.relay.cipher import Cipher, TeamKey
from devkit.testing.inbox import NotReceived
from devkit.testing.relay_inbox import relay_inbox
from tests.support.plugin import run_pytest
from tests.support.raw_socket import closed_port
from tests.support.redis_server import RedisServer
from tests.support.relayed import Relay, relay_on

CALLBACK = f"https://dlr.example.test/r/{'t' * 22}/ci"


@pytest.fixture
def relay(shared_redis: RedisServer) -> Iterator[Relay]:
    with relay_on(shared_redis) as relay:
        yield relay


def test_a_test_gets_the_receipts_of_its_own_messages_only(relay: Relay) -> None:
    environ = {**relay.environ, "DEVKIT_RELAY_CALLBACK": CALLBACK}
    with relay_inbox(environ, "test_first") as first, relay_inbox(environ, "test_second") as second:
        relay.put("", 1)
        relay.put("ci", 2)
        relay.put(second.who, 3)
        relay.put(first.who, 4)

        receipt = first.wait_for_receipt(timeout=60, status="delivered")

        assert receipt.message_id == "0A00000000000004"
        assert second.wait_for_receipt(timeout=60).message_id == "0A00000000000003"
        assert (len(first), len(second)) == (1, 1)
        assert first.callback_url == f"https://dlr.example.test/r/{'t' * 22}/{first.who}"
        assert first.who.startswith("ci.test-first-")


def test_what_came_before_the_test_is_not_its_own(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "secrets.token_hex", lambda size: "1a2b3c"
    )  # two tests with the same name at the relay
    environ = {**relay.environ, "DEVKIT_WHO": "ci"}
    with relay_inbox(environ, "test_x") as first:
        pass
    relay.put(first.who, 1)

    with relay_inbox(environ, "test_x") as inbox:
        relay.put(inbox.who, 2)
        assert inbox.wait_for_receipt(timeout=60).message_id == "0A00000000000002"
    assert inbox.who == first.who
    assert inbox.callback_url == ""


def test_a_long_or_odd_name_of_a_test_is_a_name_at_the_relay(relay: Relay) -> None:
    environ = {**relay.environ, "DEVKIT_WHO": "ci"}

    for name in ("x" * 200, "test[447700900001-\u202e-Ä]", "", "---"):
        with relay_inbox(environ, name) as first, relay_inbox(environ, name) as second:
            assert first.who != second.who
            assert len(first.who) <= len("ci.") + 32


def test_an_entry_that_cannot_be_read_is_named_when_nothing_arrives(relay: Relay) -> None:
    key = TeamKey(b"k" * 32)
    with relay_inbox({**relay.environ, "DEVKIT_WHO": "ci"}, "test_x") as inbox:
        relay.put(inbox.who, 1)
        relay.put(inbox.who, 2, cipher=Cipher((key,)))
        inbox.wait_for_receipt(timeout=60)

        with pytest.raises(NotReceived, match=f"The relay: .*{key.id}"):
            inbox.wait_for_receipt(timeout=0.5, status="failed")


def test_an_unreachable_relay_and_missing_credentials_are_errors(relay: Relay) -> None:
    environ = {"DEVKIT_WHO": "ci", "VONAGE_API_KEY": relay.api_key}
    with (
        pytest.raises(RelayError, match="failed"),
        relay_inbox({**environ, "DEVKIT_RELAY": f"redis://127.0.0.1:{closed_port()}"}, "x"),
    ):
        pass
    with (
        relay_inbox({**environ, "DEVKIT_RELAY": relay.server.url}, "x") as inbox,
        pytest.raises(ConfigurationError, match="no credentials"),
    ):
        inbox.send("447700900000")
    with (
        pytest.raises(ConfigurationError, match="VONAGE_API_KEY is not set"),
        relay_inbox({"DEVKIT_RELAY": relay.server.url, "DEVKIT_WHO": "ci"}, "x"),
    ):
        pass


def test_the_fixture_skips_without_a_relay_and_names_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(dlr_relay):\n    pass\n")
    monkeypatch.delenv("DEVKIT_RELAY", raising=False)

    skipped = run_pytest(tmp_path, "-rs")
    monkeypatch.setenv("VONAGE_API_KEY", "abcd1234")
    monkeypatch.setenv("DEVKIT_RELAY", f"redis://:s3cret@127.0.0.1:{closed_port()}")
    failed = run_pytest(tmp_path)

    assert "needs a relay: DEVKIT_RELAY is not set" in skipped.stdout
    assert skipped.returncode == 0
    assert failed.returncode == 1
    assert "devkit relay check" in failed.stdout
    assert "s3cret" not in failed.stdout
