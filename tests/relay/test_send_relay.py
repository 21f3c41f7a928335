"""A message whose receipts come through a relay, from the simulator to the program that waits for them."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from devkit.simulator import Simulator, SimulatorOptions, run_simulator
from devkit.testing.relay_inbox import relay_inbox
from tests.support.command import call
from tests.support.dev_process import clean_environ, running
from tests.support.raw_socket import closed_port
from tests.support.redis_server import RedisServer
from tests.support.relayed import recorded_files, relay_on

SERVE = ["relay", "serve", "--port", "0", "--no-health", "--json"]


@dataclass(frozen=True, slots=True)
class Team:
    """A relay with its receiver, and a simulator of the account that sends receipts to it."""

    simulator: Simulator
    environ: dict[str, str]


@pytest.fixture(scope="module")
def team(shared_redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    directory = tmp_path_factory.mktemp("relay")
    with (
        run_simulator(SimulatorOptions(speed=1000)) as simulator,
        relay_on(shared_redis, simulator.api_key) as relay,
    ):
        account = {
            **relay.environ,
            "VONAGE_API_SECRET": simulator.api_secret,
            "VONAGE_REST_HOST": simulator.host,
        }
        with running([sys.executable, "-m", "devkit", *SERVE], directory, **account) as serve:
            local_url = serve.wait_for("ready")["local_url"]
            settings = clean_environ(directory, DEVKIT_RELAY_CALLBACK=local_url, **account)
            member = call(directory, "relay", "member", "ci", "--json", **settings)
            yield Team(simulator, {**account, **json.loads(member.out[0])})
            assert serve.stop() == 0


def test_send_waits_without_a_session_and_without_a_public_address(tmp_path: Path, team: Team) -> None:
    environ = clean_environ(tmp_path, **{**team.environ, "GITHUB_RUN_ID": "4711", "DEVKIT_WHO": ""})
    to = ("--to", "447700900000", "--client-ref", "order-7")

    delivered = call(tmp_path, "send", *to, "--wait", "--timeout", "60", "--json", **environ)
    failed = call(tmp_path, "send", "--to", "447700900009", "--wait", "--timeout", "60", **environ)
    sent = call(tmp_path, "send", *to, **environ)

    events = [json.loads(line) for line in delivered.out]
    assert delivered.code == 0, delivered
    assert [event["event"] for event in events] == ["sent", "receipt", "receipt", "receipt", "waited"]
    assert failed.code == 1
    assert "1 not delivered" in failed.out[-1]
    assert sent.code == 0
    assert "To see them here: devkit follow" in sent.err
    recorded = [json.loads(path.read_text()) for path in recorded_files(tmp_path)]
    assert {tuple(each["tags"]) for each in recorded} == {("who:ci.4711",)}
    assert {each["receipt"].get("client-ref") for each in recorded} == {"ci.4711:order-7", None}


def test_a_followed_project_waits_for_what_its_follower_records(tmp_path: Path, team: Team) -> None:
    follow = [sys.executable, "-m", "devkit", "follow", "--json", "--mine", "--since", "now"]
    environ = clean_environ(tmp_path, **team.environ)
    with running(follow, tmp_path, **team.environ) as dev:
        dev.wait_for("caught_up")
        sent = call(tmp_path, "send", "--to", "447700900000", "--wait", "--timeout", "60", **environ)
        dev.wait_for("receipt", status="delivered", who="ci", part=1)
        assert dev.stop() == 0

    assert sent.code == 0, sent
    assert len(recorded_files(tmp_path)) == 3
    assert dev.names().count("receipt") == 3


def test_nothing_is_sent_when_the_relay_cannot_be_reached(tmp_path: Path, team: Team) -> None:
    before = len(team.simulator.messages)
    down = {**team.environ, "DEVKIT_RELAY": f"redis://127.0.0.1:{closed_port()}"}

    result = call(
        tmp_path,
        "send",
        "--to",
        "447700900000",
        "--wait",
        "--timeout",
        "9",
        **clean_environ(tmp_path, **down),
    )

    assert result.code == 4
    assert "devkit relay check" in result.err
    assert len(team.simulator.messages) == before


def test_a_unit_test_sends_and_gets_its_receipts(team: Team) -> None:
    with relay_inbox(team.environ, "test_x") as inbox, relay_inbox(team.environ, "test_y") as other:
        (mine,) = inbox.send("447700900000")
        (others,) = other.send("447700900009", client_ref="order-8")

        assert inbox.wait_for_receipt(timeout=60, status="delivered").message_id == mine
        failed = other.wait_for_receipt(timeout=60, status="failed")

    assert failed.message_id == others
    assert failed.fields["client-ref"] == f"{other.who}:order-8"
    assert {receipt.message_id for receipt in inbox.receipts} == {mine}
