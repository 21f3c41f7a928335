"""A relay with its engine, its receivers and followers, each a process of its own, and what must be true of them."""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from devkit.errors import RelayError
from devkit.fixture.format import load
from devkit.fixture.store import Store
from devkit.relay.cipher import Cipher, TeamKey
from devkit.relay.entry import file_of, parse_entry
from devkit.relay.member import member_path
from devkit.relay.stream import account_name, id_parts
from devkit.session.follow import POSITION_FILE
from devkit.webhook.callback import CALLBACK_PATH
from reliability.load import NUMBER
from reliability.relay_senders import RelaySenders
from tests.support.dev_process import TIMEOUT, DevProcess, running
from tests.support.raw_socket import closed_port
from tests.support.redis_server import RedisServer, redis_server
from tests.support.relay_request import TEAM
from tests.support.team_keys import OLD

DEVKIT = [sys.executable, "-m", "devkit"]
ACCOUNT = "abcd1234"
NOBODY = ""  # the owner of what nobody claims


@dataclass(slots=True)
class Team:
    """server: the engine. root: of the projects. keys: as in `DEVKIT_RELAY_KEY`. owners: of what is sent."""

    server: RedisServer
    root: Path
    keys: str = OLD
    owners: tuple[str, ...] = ("ada", "grace", NOBODY)
    choices: dict[str, str] = field(default_factory=dict)  # the option of a member that follows otherwise

    @property
    def stream(self) -> str:
        return f"devkit:{account_name(ACCOUNT)}:receipts"

    @property
    def targets(self) -> dict[str, str]:
        """The callback path of each owner; that of nobody is the account's."""
        return {who: member_path(TEAM, who) if who else f"{CALLBACK_PATH}/{TEAM}" for who in self.owners}

    def senders(self, *ports: int, **options: object) -> RelaySenders:
        return RelaySenders(ports, self.targets, **options)  # type: ignore[arg-type]

    @contextmanager
    def receiver(self, port: int = 0, *, url: str = "") -> Iterator["Receiver"]:
        """A receiver that takes webhooks. url: of the engine, such as a proxy's."""
        directory = self.root / "receiver"
        directory.mkdir(exist_ok=True)
        port = port or closed_port()
        command = [*DEVKIT, "relay", "serve", "--json", "--no-health", "--port", str(port)]
        environ = {**self._environ(url), "DEVKIT_CALLBACK_TOKEN": TEAM}
        with running(command, directory, **environ) as process:
            process.wait_for("ready")
            yield Receiver(process, port)

    @contextmanager
    def follower(self, who: str, *args: str, url: str = "", keys: str = "") -> Iterator[DevProcess]:
        """A follower that was started. url: of the engine, such as a proxy's. keys: instead of the team's."""
        environ = {**self._environ(url), "DEVKIT_WHO": who}
        if keys:
            environ["DEVKIT_RELAY_KEY"] = keys
        options = [self.choices[who]] if who in self.choices else []
        command = [*DEVKIT, "follow", "--json", *options, *args]
        with running(command, self.project(who), **environ) as process:
            yield process

    def catch_up(self, who: str, *args: str) -> DevProcess:
        """Follow until all is read that the engine has."""
        with self.follower(who, *args) as process:
            process.wait_for("caught_up")
            self.wait_until_read(who)
            assert process.stop() == 0, process.describe()
        return process

    def wait_until_read(self, *members: str) -> None:
        """Wait until the members have read what the engine has now."""
        with self.server.client as client:
            last = client.xinfo_stream(self.stream)["last-generated-id"].decode()
        deadline = time.monotonic() + TIMEOUT
        while any(id_parts(self.position(who)) < id_parts(last) for who in members):
            assert time.monotonic() < deadline, {who: self.position(who) for who in members}
            time.sleep(0.05)

    def position(self, who: str) -> str:
        try:
            found = json.loads((self.project(who) / ".devkit" / POSITION_FILE).read_text())
        except FileNotFoundError:
            return ""
        (position,) = found.values()
        return str(position)

    def project(self, who: str) -> Path:
        directory = self.root / who
        directory.mkdir(exist_ok=True)
        return directory

    def attempts(self, who: str) -> Counter[str]:
        """What a member has: the files of each attempt. Each must be whole."""
        return Counter(_attempt(entry.path) for entry in Store(self.project(who) / "fixtures").entries())

    def check(self, members: Sequence[str], *sent: RelaySenders) -> "Kept":
        """Fail unless each 200 is one file at its owner's, each 503 came again, and nobody else has or can read it."""
        owners = {message: owner for senders in sent for message, owner in senders.sent.items()}
        acknowledged = {attempt for senders in sent for attempt in senders.acknowledged}
        assert acknowledged
        assert [message for senders in sent for message in senders.unanswered] == []
        assert {_message(attempt) for attempt in acknowledged} == owners.keys()
        unacknowledged: set[str] = set()
        for who in members:
            found = self.attempts(who)
            wanted = {each for each in acknowledged if self._is_for(who, owners[_message(each)])}
            assert wanted
            assert wanted - found.keys() == set(), f"{who} has not all that was answered 200"
            assert found.most_common(1)[0][1] == 1, f"{who} has something twice"
            assert [each for each in found if not self._is_for(who, owners[_message(each)])] == []
            unacknowledged |= found.keys() - acknowledged
        assert len(unacknowledged) <= sum(senders.repeated for senders in sent)
        self.check_unreadable()
        return Kept(len(acknowledged), sum(senders.repeated for senders in sent), len(unacknowledged))

    def check_unreadable(self) -> None:
        """Fail if somebody without the team's key can read an entry, or find its number in the engine's files."""
        with self.server.client as client:
            entries = client.xrange(self.stream, count=500)
        assert entries
        for cipher in (Cipher(), Cipher((TeamKey(b"x" * 32),))):
            for entry_id, fields in entries:
                with pytest.raises(RelayError):
                    file_of(entry_id.decode(), parse_entry(entry_id.decode(), fields), cipher)
        files = [path for path in self.server.directory.rglob("*") if path.is_file()]
        assert any(b"XADD" in path.read_bytes() for path in files)
        assert [path for path in files if NUMBER.encode() in path.read_bytes()] == []

    def _is_for(self, who: str, owner: str) -> bool:
        choice = self.choices.get(who)
        return owner == who or choice == "--all" or (owner == NOBODY and choice != "--mine")

    def _environ(self, url: str) -> dict[str, str]:
        return {
            "DEVKIT_RELAY": url or self.server.url,
            "DEVKIT_RELAY_KEY": self.keys,
            "VONAGE_API_KEY": ACCOUNT,
        }


@dataclass(frozen=True, slots=True)
class Kept:
    """acknowledged: attempts that were answered 200. repeated: those that were not. twice: of these, stored anyway."""

    acknowledged: int
    repeated: int
    twice: int

    def __str__(self) -> str:
        return (
            f"{self.acknowledged} x 200, each one file at its owner's; {self.repeated} not answered 200 came again, "
            f"{self.twice} of them had been stored; 0 lost"
        )


@dataclass(frozen=True, slots=True)
class Receiver:
    process: DevProcess
    port: int

    def kill(self) -> None:
        self.process.process.kill()
        self.process.process.wait()


@contextmanager
def team_in(root: Path, *, keys: str = OLD, **settings: str) -> Iterator[Team]:
    """A team with an engine of its own. settings: of the engine, beside those of docs/relay.md."""
    directory = root / "engine"
    directory.mkdir()
    with redis_server(directory, **settings) as server:
        yield Team(server, root, keys)


def _attempt(path: Path) -> str:
    (attempt,) = parse_qs(load(path).callback.body.decode())["attempt"]
    return attempt


def _message(attempt: str) -> str:
    return attempt.partition(".")[0]
