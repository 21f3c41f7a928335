"""`devkit follow` in a process of its own, against a real engine."""

import json
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from devkit.cli import cli
from devkit.relay.cipher import Cipher, TeamKey
from tests.support.command import call, run
from tests.support.dev_process import DEV, DevProcess, clean_environ, running
from tests.support.memory_engine import relayed_receipt
from tests.support.raw_socket import closed_port
from tests.support.recording_server import recording_server
from tests.support.redis_server import RedisServer, redis_server
from tests.support.relayed import Relay, recorded_numbers, relay_on

FOLLOW = [*DEV[:-1], "follow", "--json"]


@pytest.fixture
def relay(shared_redis: RedisServer) -> Iterator[Relay]:
    with relay_on(shared_redis) as relay:
        yield relay


def follow(directory: Path, relay: Relay, *args: str) -> AbstractContextManager[DevProcess]:
    directory.mkdir(exist_ok=True)
    return running([*FOLLOW, *args], directory, **relay.environ)


def test_two_members_get_their_own_and_what_nobody_claims(tmp_path: Path, relay: Relay) -> None:
    ada, grace = tmp_path / "ada", tmp_path / "grace"
    relay.put("ada", 1)
    relay.put("grace", 2)
    with recording_server() as application:
        with follow(ada, relay, "--who", "ada", "--forward-to", application.url) as first:
            live = first.wait_for("relay", state="live")
            assert (live["relay"], live["who"], live["kept"]) == (relay.server.url, "ada", 2)
            assert first.wait_for("caught_up")["others"] == 1
            with follow(grace, relay, "--who", "grace") as second:
                second.wait_for("caught_up", mine=1, others=1)
                relay.put("", 3)
                relay.put("ada", 4)
                relay.put("grace", 5)
                second.wait_for("receipt", message_id="0A00000000000005", who="grace")
                assert second.stop() == 0
            first.wait_for("receipt", message_id="0A00000000000004", who="ada", forwarded=True)
            first.wait_for("forwarded", message_id="0A00000000000004", answer=200)
            assert first.stop() == 0
        assert len(application.arrived) == 3
    listed = call(ada, "list", **clean_environ(ada))

    assert sum("for ada" in line for line in listed.out) == 2
    assert recorded_numbers(ada) == [1, 3, 4]
    assert recorded_numbers(grace) == [2, 3, 5]
    assert first.events[-1] == {"event": "stopped", "receipts": 3, "left_out": 2, "other_webhooks": 0}


def test_it_goes_on_where_it_stopped_also_after_sigkill(tmp_path: Path, relay: Relay) -> None:
    relay.put("ada", *range(300))
    with follow(tmp_path, relay, "--who", "ada") as killed:
        killed.wait_for("receipt")
        killed.stop(signal.SIGKILL)
    relay.put("ada", *range(300, 310))

    with follow(tmp_path, relay, "--who", "ada") as dev:
        caught_up = dev.wait_for("caught_up")
        assert dev.stop() == 0

    assert recorded_numbers(tmp_path) == list(range(310))
    assert caught_up["recorded"] >= 10
    assert caught_up["mine"] == caught_up["recorded"] + caught_up["present"]
    with follow(tmp_path, relay, "--who", "ada") as dev:
        assert dev.wait_for("caught_up")["receipts"] == 0
        assert dev.stop(signal.SIGTERM) == 0


def test_one_process_follows_in_a_project_and_wait_uses_it(tmp_path: Path, relay: Relay) -> None:
    with follow(tmp_path, relay, "--who", "ada") as dev:
        dev.wait_for("caught_up")
        second = run(tmp_path, "follow", **clean_environ(tmp_path, **relay.environ))
        relay.put_fixture("", replace(relayed_receipt(7), recorded_at=datetime.now(UTC)))
        waited = run(tmp_path, "wait", "0A00000000000007", "--json", **clean_environ(tmp_path))
        assert dev.stop() == 0

    assert second.code == 6
    assert f"Another devkit follows the relay in this project: process {dev.process.pid}" in second.err
    assert waited.code == 0
    assert json.loads(waited.out[-1])["reason"] == "final"


def test_a_message_of_another_member_is_waited_for(tmp_path: Path, relay: Relay) -> None:
    environ = clean_environ(tmp_path, **relay.environ)
    relay.put("grace", 1, status="accepted")
    relay.put("grace", 1)
    relay.put("grace", 2, status="failed")
    relay.put("grace", 3)

    delivered = call(tmp_path, "follow", "--message", "0A00000000000001", "--json", **environ)
    failed = call(tmp_path, "follow", "--message", "0A00000000000002", **environ)
    missing = call(tmp_path, "follow", "--message", "0A00000000000009", "--timeout", "0.2", **environ)

    assert delivered.code == 0
    assert [json.loads(line)["event"] for line in delivered.out] == ["receipt", "receipt", "waited"]
    assert failed.code == 1
    assert "1 not delivered" in failed.out[-1]
    assert missing.code == 1
    assert "a final status" in missing.out[-1]
    assert recorded_numbers(tmp_path) == [1, 1, 2]
    assert not (tmp_path / ".devkit" / "relay-position.json").exists()


def test_an_unreachable_relay_is_one_error_without_its_password(tmp_path: Path) -> None:
    url = f"redis://ada:s3cret@127.0.0.1:{closed_port()}"
    settings = clean_environ(tmp_path, DEVKIT_RELAY=url, VONAGE_API_KEY="abcd1234")

    for args in (["follow"], ["follow", "--message", "0A01"]):
        result = call(tmp_path, *args, **settings)

        assert result.code == 4
        assert "redis://ada:***@127.0.0.1:" in result.err
        assert "devkit relay check" in result.err
        assert "s3cret" not in result.err + "".join(result.out)


def test_an_unknown_key_is_told_and_skipped_only_if_asked(tmp_path: Path, relay: Relay) -> None:
    key = TeamKey(b"k" * 32)
    relay.put("ada", 1)
    relay.put("ada", 2, cipher=Cipher((key,)))
    relay.put("ada", 3)
    environ = clean_environ(tmp_path, DEVKIT_WHO="ada", **relay.environ)

    for _ in range(2):
        result = call(tmp_path, "follow", **environ)
        assert result.code == 4
        assert key.id in result.err
        assert recorded_numbers(tmp_path) == [1]
    waiting = call(tmp_path, "follow", "--message", "0A00000000000002", **environ)
    assert waiting.code == 4
    assert "the relay cannot be read any further" in waiting.out[-1]
    assert key.id in waiting.err
    with follow(tmp_path, relay, "--who", "ada", "--skip") as dev:
        dev.wait_for("caught_up", unreadable=1, recorded=1)
        assert dev.stop() == 0

    assert "Skipped: The relay's entry" in dev.stderr
    assert recorded_numbers(tmp_path) == [1, 3]


@pytest.mark.parametrize(
    ("args", "environ", "code", "message"),
    [
        (["--mine", "--all"], {}, 2, "--mine and --all exclude each other"),
        (["--until", "final"], {}, 2, "--until and --timeout are for --message"),
        (["--since", "yesterday"], {}, 2, "--since does not take 'yesterday'"),
        (["--who", "Ada L"], {}, 3, "'Ada L' cannot be a member's name"),
        (["--forward-to", "http://example.com/"], {}, 2, "Receipts cannot be forwarded to"),
        ([], {"VONAGE_API_KEY": ""}, 3, "VONAGE_API_KEY is not set"),
        ([], {"DEVKIT_RELAY": ""}, 3, "DEVKIT_RELAY, the URL of the relay's engine, is not set"),
        (["--relay", "rediss://x:p4ss@[::1"], {}, 3, "DEVKIT_RELAY is not the URL of an engine"),
        (["--relay", "redis://:p4ss@10.0.0.1"], {}, 3, "its connection is not encrypted"),
        ([], {"DEVKIT_RELAY_KEY": "short"}, 3, "DEVKIT_RELAY_KEY is not 32 bytes"),
    ],
)
def test_a_mistake_is_two_lines(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    relay: Relay,
    args: list[str],
    environ: dict[str, str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner(env={**relay.environ, **environ}).invoke(cli, ["follow", *args], prog_name="devkit")

    assert result.exit_code == code, result.output
    assert message in result.stderr
    assert "Hint: " in result.stderr
    assert "p4ss" not in result.output


def test_an_engine_that_is_killed_is_told_and_followed_again(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    with redis_server(tmp_path / "engine") as server, relay_on(server) as relay:
        relay.put("ada", 1)
        with follow(tmp_path / "ada", relay, "--who", "ada") as dev:
            dev.wait_for("caught_up", recorded=1)
            server.kill()
            lost = dev.wait_for("relay", state="reconnecting")
            server.start()
            dev.wait_for("relay", state="live", kept=1)
            with relay_on(server, relay.api_key) as again:
                again.put("ada", 2)
            dev.wait_for("receipt", message_id="0A00000000000002")
            server.client.flushall()
            dev.wait_for("relay", state="emptied")
            with relay_on(server, relay.api_key) as again:
                again.put("ada", 3)
            dev.wait_for("receipt", message_id="0A00000000000003")
            assert dev.stop() == 0

    assert lost["since"].endswith("Z")
    assert recorded_numbers(tmp_path / "ada") == [1, 2, 3]
    assert [event["state"] for event in dev.events if event["event"] == "relay"] == [
        "live",
        "reconnecting",
        "live",
        "emptied",
    ]
