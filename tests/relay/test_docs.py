"""The five minutes of docs/relay.md: its commands are run as they are, and print what it shows."""

import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit.http.server import listen
from tests.support.command import ROOT
from tests.support.dev_process import TIMEOUT, clean_environ
from tests.support.redis_server import RedisServer
from tests.support.relayed import recorded_files

PAGE = (ROOT / "docs" / "relay.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Five minutes")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"^```console\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)
STEPS = [
    step for block in BLOCKS for step in re.findall(r"^(\w+)\$ (.*)\n((?:(?!\w+\$ ).*\n)*)", block, re.M)
]

# What differs from run to run.
CHANGING = (
    (r"\d\d:\d\d:\d\d", "TIME"),
    (r"\d{1,2} [A-Z][a-z]{2}\b", "DAY"),
    (r"127\.0\.0\.1:\d+", "ADDRESS"),
    (r"delivery-receipt/\S+", "delivery-receipt/TOKEN"),
    (r"\b[0-9a-f]{8}\b", "MESSAGE"),
)


def plain(text: str) -> list[str]:
    for pattern, word in CHANGING:
        text = re.sub(pattern, word, text)
    return [line.rstrip() for line in text.splitlines()]


class Terminal:
    """A command that runs until it is ended, and what it has printed. Its errors are not read."""

    def __init__(self, directory: Path, command: str, environ: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=directory,
            env={**environ, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def read(self, lines: int) -> list[str]:
        assert self.process.stdout
        return plain("".join(self.process.stdout.readline() for _ in range(lines)))

    def end(self) -> list[str]:
        self.process.terminate()
        out, _ = self.process.communicate(timeout=TIMEOUT)
        assert self.process.returncode == 0
        return plain(out)


class FiveMinutes:
    """The directories of the page, with an engine and a port that are free."""

    def __init__(self, root: Path, server: RedisServer) -> None:
        self.root = root
        listening = listen("127.0.0.1", 0)
        self.port = listening.getsockname()[1]
        listening.close()
        for name in ("relay", "ada", "grace"):
            (root / name).mkdir()
        (settings,) = re.findall(r"^```ini\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)
        for old, new in (
            ("abcd1234", secrets.token_hex(4)),
            ("6390", str(server.port)),
            ("127.0.0.1:3000", f"127.0.0.1:{self.port}"),
        ):
            assert old in settings
            settings = settings.replace(old, new)
        (root / "relay" / ".env").write_text(settings)
        self.environ = clean_environ(root)
        self.terminals: list[Terminal] = []

    def start(self, step: tuple[str, str, str]) -> Terminal:
        name, command, _ = step
        options = f" --port {self.port} --health-port 0" if "serve" in command else ""
        terminal = Terminal(self.root / name, self._command(command) + options, self.environ)
        self.terminals.append(terminal)
        return terminal

    def run(self, step: tuple[str, str, str]) -> None:
        name, command, _ = step
        done = subprocess.run(
            ["bash", "-ec", self._command(command)],
            cwd=self.root / name,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        assert done.returncode == 0, done

    def _command(self, command: str) -> str:
        return command.replace("devkit", f"{sys.executable} -m devkit", 1)


@pytest.fixture
def five_minutes(tmp_path: Path, shared_redis: RedisServer) -> Iterator[FiveMinutes]:
    started = FiveMinutes(tmp_path, shared_redis)
    yield started
    for terminal in started.terminals:
        if terminal.process.poll() is None:
            terminal.process.kill()
            terminal.process.communicate()


def test_the_five_minutes_are_as_the_page_says(five_minutes: FiveMinutes) -> None:
    serve, member_ada, member_grace, ada, trigger_ada, trigger_grace, ada_later, grace = STEPS

    receiver = five_minutes.start(serve)
    assert receiver.read(6) == plain(serve[2])
    five_minutes.run(member_ada)
    five_minutes.run(member_grace)
    first = five_minutes.start(ada)
    assert first.read(3) == plain(ada[2])
    five_minutes.run(trigger_ada)
    five_minutes.run(trigger_grace)
    second = five_minutes.start(grace)
    assert second.read(4) == plain(grace[2])
    shown, end = plain(ada_later[2])
    assert first.read(1) == [shown]
    assert first.end() == [end]
    second.end()
    receiver.end()

    assert {len(recorded_files(five_minutes.root / name)) for name in ("ada", "grace")} == {1}


def test_the_engine_of_the_page_is_one_that_loses_nothing() -> None:
    (command,) = re.findall(r"^redis-server .*", SECTION, re.MULTILINE)
    options = dict(re.findall(r"--(\S+) (\S+)", command))
    lines = PAGE.partition("These lines of `redis.conf`")[2].partition("```")[2].partition("```")[0]

    assert {name: value for name, value in options.items() if name != "port"}.items() <= dict(
        line.split(" ", 1) for line in lines.strip().splitlines()
    ).items()
    assert {"appendonly", "appendfsync", "maxmemory-policy"} <= options.keys()
