"""The commands of `devkit relay`, but for following it."""

import json
import re
import signal
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from devkit.cli import cli
from devkit.cli.event_printer import Lines, quiet_lines, session_lines
from devkit.cli.relay import COMMANDS
from devkit.cli.relay.serve import _with_ready
from devkit.events.relay import RelayReady
from devkit.relay.member import member_path
from devkit.relay.stream import account_name
from devkit.webhook.callback import CALLBACK_PATH
from tests.support.dev_process import running
from tests.support.imported_modules import imported
from tests.support.redis_server import RedisServer, redis_server
from tests.support.relay_request import RECEIPT, TEAM, status_of
from tests.support.team_keys import OLD


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def relay(*arguments: str, **settings: str) -> Result:
    environ = {
        "VONAGE_API_KEY": "abcd1234",
        "VONAGE_API_SECRET": "s3cret",
        "DEVKIT_CALLBACK_TOKEN": TEAM,
        **settings,
    }
    return CliRunner().invoke(cli, ["relay", *arguments], env=environ, prog_name="devkit")


def events(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_group_lists_its_commands_and_imports_none(tmp_path: Path) -> None:
    text = relay("--help").output
    modules = imported(tmp_path, "relay", "--help")

    assert [line.split()[0] for line in text.partition("Commands:")[2].splitlines() if line] == list(COMMANDS)
    assert "devkit.cli.relay" in modules
    assert modules & {"redis", "devkit.relay", "devkit.cli.relay.serve", "cryptography"} == set()
    assert relay("servce").exit_code == 2


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(name: str) -> None:
    assert relay(name, "--help").output.startswith(f"Usage: devkit relay {name} ")


def test_without_the_client_the_commands_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    result = relay("status", DEVKIT_RELAY="redis://127.0.0.1:1")

    assert result.exit_code == 3
    assert result.stderr.splitlines() == [
        "Error: The relay needs the client of its engine, which is not installed.",
        f"Hint: Install it beside devkit: {sys.executable} -m pip install 'vonage-devkit[relay]'",
    ]


def test_an_engine_that_does_not_answer_is_exit_code_4() -> None:
    for name in ("status", "check", "serve"):
        result = relay(name, DEVKIT_RELAY="redis://ada:p4ssword@127.0.0.1:1")

        assert result.exit_code == 4
        assert len(result.stderr.splitlines()) == 2
        assert "The engine redis://ada:***@127.0.0.1:1 failed: Error 111" in result.stderr
        assert "p4ssword" not in result.output
        assert ("relay check" in result.stderr) == (name != "check")


def test_a_name_is_no_address_to_listen_on() -> None:
    result = relay("serve", "--host", "dlr.example.com")

    assert result.exit_code == 2
    assert "Not an address to listen on: 'dlr.example.com'." in result.stderr
    assert "0.0.0.0" in result.stderr


def test_an_address_of_another_machine_is_named(shared_redis: RedisServer) -> None:
    environ = {"DEVKIT_RELAY": shared_redis.url, "DEVKIT_RELAY_CALLBACK": "https://dlr.example.com"}
    result = relay("serve", "--host", "192.0.2.1", "--port", "0", **environ)

    assert result.exit_code == 3
    assert "192.0.2.1 is not an address of this machine." in result.stderr


def test_check_finds_nothing_wrong_with_the_right_settings(shared_redis: RedisServer) -> None:
    result = relay("check", DEVKIT_RELAY=shared_redis.url, DEVKIT_RELAY_KEY=OLD)

    assert result.exit_code == 0
    first, second = result.stdout.splitlines()
    assert re.fullmatch(rf"The engine {shared_redis.url} answers: (Redis|Valkey) [0-9.]+\.", first)
    assert second == "ok: a receipt that is answered 200 is on the engine's disk."


def test_check_says_what_is_wrong_and_what_to_type(tmp_path: Path) -> None:
    with redis_server(tmp_path, appendfsync="everysec", maxmemory="0") as server:
        shown = relay("check", DEVKIT_RELAY=server.url)
        found = relay("check", "--json", DEVKIT_RELAY=server.url)

    assert (shown.exit_code, found.exit_code) == (1, 1)
    assert (
        "wrong    appendfsync is everysec: a crash loses up to a second of acknowledged receipts."
        in shown.stdout
    )
    assert "redis-cli CONFIG SET appendfsync always, and the same in redis.conf" in shown.stdout
    assert "ok:" not in shown.stdout
    assert [each["severity"] for each in events(found)] == ["loses", "warning", "warning"]
    assert "DEVKIT_RELAY_KEY is not set" in str(events(found)[-1]["text"])


def test_check_prints_users_for_the_engine_without_asking_it() -> None:
    result = relay("check", "--acl")

    assert result.exit_code == 0
    assert f"~devkit:{account_name('abcd1234')}:*" in result.stdout
    assert "+xadd" in result.stdout


def test_member_prints_what_a_member_puts_into_its_settings() -> None:
    base = {"DEVKIT_RELAY_CALLBACK": "https://dlr.example.com/"}
    url = f"https://dlr.example.com{member_path(TEAM, 'ada')}"
    shown = relay("member", "ada", **base)

    assert shown.stdout.splitlines() == ["DEVKIT_WHO=ada", f"DEVKIT_RELAY_CALLBACK={url}"]
    assert TEAM not in shown.output
    assert events(relay("member", "ada", "--json", **base)) == [
        {"DEVKIT_WHO": "ada", "DEVKIT_RELAY_CALLBACK": url}
    ]
    assert relay("member", "Ada\u202e", **base).exit_code == 3
    assert "\u202e" not in relay("member", "Ada\u202e", **base).output
    assert "DEVKIT_RELAY_CALLBACK, the public URL of the relay, is not set" in relay("member", "ada").stderr
    assert relay("member", "grace", DEVKIT_RELAY_CALLBACK=url).exit_code == 0


def test_without_the_teams_token_no_url_of_a_member_is_made() -> None:
    url = f"https://dlr.example.com{member_path('0123456789abcdef', 'ada')}"
    result = relay("member", "grace", DEVKIT_RELAY_CALLBACK=url)

    assert result.exit_code == 3
    assert "The team's token is not here, only the callback of ada." in result.stderr
    assert result.stdout == ""


def test_a_receiver_serves_until_sigterm_and_its_status_is_shown(
    tmp_path: Path, shared_redis: RedisServer
) -> None:
    environ = {"VONAGE_API_KEY": "process1", "DEVKIT_CALLBACK_TOKEN": TEAM}  # it needs no secret
    environ |= {"DEVKIT_RELAY": shared_redis.url, "DEVKIT_RELAY_KEY": OLD}
    command = [sys.executable, "-m", "devkit", "relay", "serve", "--json", "--health-port", "0"]
    with running(command, tmp_path, **environ) as served:
        ready = served.wait_for("ready")
        assert status_of(f"{ready['local_url']}{member_path(TEAM, 'ada')}{RECEIPT}") == 200
        assert status_of(f"{ready['local_url']}{CALLBACK_PATH}/{TEAM}{RECEIPT}&client-ref=bob:7") == 200
        assert status_of(ready["health_url"]) == 200
        assert served.wait_for("receipt", message_id="0A0000001234567B")["file"].endswith("-0")
        assert served.stop(signal.SIGTERM) == 0
        assert (served.events[-1]["event"], served.events[-1]["receipts"]) == ("stopped", 2)
        assert served.stderr == ""
    shown = relay("status", DEVKIT_RELAY=shared_redis.url, VONAGE_API_KEY="process1")
    (status,) = events(relay("status", "--json", DEVKIT_RELAY=shared_redis.url, VONAGE_API_KEY="process1"))

    assert "2 receipts, since " in shown.stdout
    assert "2 receipts, the newest one included\n" in shown.stdout
    assert "ada 1, bob 1" in shown.stdout
    assert (status["count"], status["owners"]) == (2, {"ada": 1, "bob": 1})
    assert list(status["receivers"]) == [ready["receiver"]]  # type: ignore[call-overload]


def test_the_status_of_an_empty_engine(shared_redis: RedisServer) -> None:
    result = relay("status", DEVKIT_RELAY=shared_redis.url, VONAGE_API_KEY="empty123")

    assert result.stdout == "The engine keeps nothing for this account.\n"


@pytest.mark.parametrize("lines", [session_lines, quiet_lines])
def test_the_ready_lines_are_for_people(lines: Lines) -> None:
    event = RelayReady(
        "rediss://redis.example.com:6380",
        "http://127.0.0.1:3000",
        f"{CALLBACK_PATH}/{TEAM}",
        "",
        "box:3000",
        False,
        1,
    )
    text = "\n".join(_with_ready(lines)(event, None, None))

    assert "taking webhooks for the relay" in text
    assert "in clear" in text
    assert "health" not in text
