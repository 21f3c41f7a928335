"""The files of deploy/. No container and no systemd runs here: what can be run of them is, with a real redis-server."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from devkit.errors import RelayError
from devkit.relay.engine import RedisEngine
from devkit.relay.engine_url import parse_engine_url
from devkit.relay.stream import account_name
from devkit.session.settings import read_settings
from tests.support.command import ROOT, run
from tests.support.dev_process import clean_environ
from tests.support.raw_socket import DEADLINE, closed_port
from tests.support.redis_server import require_redis_server

pytestmark = pytest.mark.program

DEPLOY = ROOT / "deploy"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yml").read_text())["services"]
UNIT = (DEPLOY / "devkit-relay.service").read_text()
PAGE = (ROOT / "docs" / "relay.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("### On a server")[2].partition("\n### ")[0]
STEPS: list[str] = re.findall(r"^```sh\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)[0].splitlines()
ACCOUNT = "abcd1234"
ENTRY = {b"v": b"1"}


def step(start: str) -> str:
    (found,) = [each for each in STEPS if each.startswith(start)]
    return found


def settings_of_the_example() -> dict[str, str]:
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", (DEPLOY / ".env.example").read_text(), re.MULTILINE))


class Engine:
    """The engine of compose.yml on free ports, in a directory that was made by the steps of the page."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.port, self.tls_port = directory, closed_port(), closed_port()
        shutil.copyfile(DEPLOY / "redis.conf", directory / "redis.conf")
        environ = clean_environ(directory, VONAGE_API_KEY=ACCOUNT)
        (directory / ".env").touch()
        for command in ("mkdir tls", step("openssl"), step("(set -a;")):
            ours = command.replace("devkit", f"{sys.executable} -m devkit").replace(
                "dlr.example.com", "localhost"
            )
            subprocess.run(["bash", "-ec", ours], cwd=directory, env=environ, check=True, capture_output=True)
        users = directory / "users.acl"
        users.write_text(re.sub(r">(ADMIN-|ANOTHER-)?PASSWORD", ">s3cret", users.read_text()))
        self.users = users.read_text()

    @contextmanager
    def running(self) -> Iterator[None]:
        replaced = {
            "/etc/redis": str(self.directory),
            "/data": str(self.directory),
            "/tls": str(self.directory / "tls"),
            "6380": str(self.tls_port),
        }
        words = SERVICES["engine"]["command"]
        for old, new in replaced.items():
            words = [word.replace(old, new) if word.startswith(old) else word for word in words]
        command = [*words, "--port", str(self.port), "--bind", "127.0.0.1"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=self.directory, text=True) as process:
            try:
                assert process.stdout
                assert any("Ready to accept connections" in line for line in process.stdout)
                yield
            finally:
                process.kill()

    def url(self, user: str, *, tls: bool = True) -> str:
        if tls:
            authority = self.directory / "tls" / "engine.crt"
            return f"rediss://{user}:s3cret@localhost:{self.tls_port}?ssl_ca_certs={authority}"
        return f"redis://{user}:s3cret@127.0.0.1:{self.port}"

    def client(self, user: str, *, tls: bool = True) -> RedisEngine:
        return RedisEngine(parse_engine_url(self.url(user, tls=tls)), account_name(ACCOUNT))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    require_redis_server()
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    made = Engine(tmp_path_factory.mktemp("deploy"))
    with made.running():
        yield made


def test_the_engine_of_the_compose_file_loses_nothing(engine: Engine, tmp_path: Path) -> None:
    settings = {"VONAGE_API_KEY": ACCOUNT, "DEVKIT_RELAY_KEY": "A" * 43}

    checked = run(tmp_path, "relay", "check", DEVKIT_RELAY=engine.url("admin"), **settings)

    assert checked.code == 0, checked
    assert checked.out[-1] == "ok: a receipt that is answered 200 is on the engine's disk."


def test_its_users_can_do_what_they_should_and_no_more(engine: Engine) -> None:
    receiver, follower = engine.client("receiver", tls=False), engine.client("follower")
    receiver.connect()
    (added,) = receiver.append([ENTRY])
    assert [each.id for each in follower.read("", 0, 10)] == [added]
    follower.connect()
    (refused,) = follower.append([ENTRY])
    assert isinstance(refused, RelayError)
    assert "no permissions" in refused.message.lower()
    with pytest.raises(RelayError):
        receiver.read("", 0, 10)
    with pytest.raises(RelayError, match=r"disabled|WRONGPASS"):
        engine.client("default").span()
    for each in (receiver, follower):
        each.close()
    assert [line.split()[1] for line in engine.users.splitlines()] == [
        "admin",
        "receiver",
        "follower",
        "default",
    ]


def test_the_lines_of_redis_conf_are_those_of_the_page() -> None:
    lines = PAGE.partition("These lines of `redis.conf`")[2].partition("```\n")[2].partition("```")[0]
    file = (DEPLOY / "redis.conf").read_text().splitlines()

    assert [line for line in file if not line.startswith("#")] == lines.splitlines()
    assert len(lines.splitlines()) == 5


def test_the_receivers_are_commands_of_devkit() -> None:
    exec_start = re.findall(r"^ExecStart=/opt/devkit/bin/devkit (.*)$", UNIT, re.MULTILINE)

    for words in (SERVICES["receiver"]["command"], exec_start[0].split()):
        assert words[:2] == ["relay", "serve"]
        command = import_module("devkit.cli.relay.serve").command
        command.make_parser(click.Context(command)).parse_args(args=words[2:])
    assert (
        "--allow-plain" in SERVICES["receiver"]["command"]
    )  # only the compose file has a network of its own
    assert "--allow-plain" not in exec_start[0]


def test_the_settings_are_those_of_a_receiver(tmp_path: Path) -> None:
    known = set(re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    example = settings_of_the_example()

    assert set(example) <= known
    settings = read_settings({**example, "VONAGE_API_KEY": ACCOUNT}, tmp_path)
    assert settings.relay["DEVKIT_RELAY"] == "redis://receiver:PASSWORD@engine:6379"
    # Its private values are empty: nothing that could be used by mistake.
    assert [name for name, value in example.items() if not value] == [
        "VONAGE_API_KEY",
        "DEVKIT_CALLBACK_TOKEN",
        "DEVKIT_RELAY_KEY",
    ]


def test_only_tls_is_published() -> None:
    published = {name: service.get("ports", []) for name, service in SERVICES.items()}

    assert published == {"engine": ["6380:6380"], "receiver": [], "proxy": ["80:80", "443:443"]}
    assert "6380" in SERVICES["engine"]["command"]
    assert "reverse_proxy receiver:3000" in (DEPLOY / "Caddyfile").read_text()


def test_the_files_of_the_services_exist_or_are_made_by_the_steps() -> None:
    files = {
        volume.split(":")[0].removeprefix("./")
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if volume.startswith("./")
    }

    assert files == {"redis.conf", "users.acl", "tls", "Caddyfile"}
    assert all((DEPLOY / name).exists() for name in ("redis.conf", "Caddyfile"))
    assert "> users.acl" in step("(set -a;")
    assert {"deploy/users.acl", "deploy/tls/"} <= set((ROOT / ".gitignore").read_text().splitlines())


@pytest.mark.parametrize("name", ["engine", "proxy"])
def test_images_are_pinned(name: str) -> None:
    assert re.fullmatch(r"[a-z]+:\d+\.\d+-[a-z]+", SERVICES[name]["image"])


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("needs systemd-analyze")
    unit = tmp_path / "devkit-relay.service"
    unit.write_text(UNIT.replace("/opt/devkit/bin/devkit", sys.executable))

    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=6 * DEADLINE
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_page_says_that_they_were_never_run() -> None:
    assert "were never run" in SECTION
