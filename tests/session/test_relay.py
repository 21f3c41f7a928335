"""A relay's receiver: over sockets, with a redis-server."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from devkit.errors import ConfigurationError, DevkitError, RelayError
from devkit.events.relay import RelayReady
from devkit.events.session import NotRecorded, Refused, Stopped
from devkit.fixture.format import loads
from devkit.relay import engine as engine_module
from devkit.relay.engine import RedisEngine, acl_commands
from devkit.relay.entry import file_of, parse_entry
from devkit.relay.member import member_path
from devkit.relay.settings import RelaySettings, relay_settings
from devkit.relay.status import relay_status
from devkit.relay.stream import EntryFields, account_name
from devkit.session.project import Project
from devkit.session.relay import ServeOptions, opened_engine, serve_relay
from devkit.session.settings import Settings
from devkit.session.signals import Shutdown
from devkit.webhook.callback import CALLBACK_PATH, REPLAY_HEADER, TRIGGER_HEADER
from tests.support.event_recorder import EventRecorder
from tests.support.raw_socket import DEADLINE, wait_until
from tests.support.redis_server import RedisServer, redis_server
from tests.support.relay_request import RECEIPT, TEAM, status_of
from tests.support.team_keys import OLD

OURS = f"{CALLBACK_PATH}/{TEAM}"
OPTIONS = ServeOptions("127.0.0.1", 0, 0)


class Served:
    """A receiver that runs. engine, entries: what another client of the engine sees."""

    def __init__(
        self,
        settings: Settings,
        relay: RelaySettings,
        ready: RelayReady,
        events: EventRecorder,
        stop: Shutdown,
    ) -> None:
        self.ready, self.events, self._stop = ready, events, stop
        self._settings, self._relay = settings, relay

    def status(self, target: str, *, data: bytes | None = None, headers: dict[str, str] | None = None) -> int:
        return status_of(f"{self.ready.local_url}{target}", data, headers)

    @property
    def health(self) -> int:
        return status_of(self.ready.health_url)

    @property
    def is_stopping(self) -> bool:
        return self._stop()

    def kept(self) -> list[tuple[str, str]]:
        """Owner and target of each entry."""
        with opened_engine(self._settings, self._relay) as engine:
            found = [(each.id, parse_entry(each.id, each.fields)) for each in engine.read("", 0, 100)]
        return [
            (entry.who, file_of(entry_id, entry, self._relay.cipher)[0].callback.target)
            for entry_id, entry in found
        ]


def configured(url: str, account: str, **texts: str) -> tuple[Settings, RelaySettings]:
    relay = relay_settings({"DEVKIT_RELAY": url, **texts}, {})
    return Settings(api_key=account, callback_token=TEAM), relay


@contextmanager
def serving(
    project: Project, url: str, account: str, options: ServeOptions = OPTIONS, **texts: str
) -> Iterator[Served]:
    """A receiver, served by a thread of its own until the block ends."""
    settings, relay = configured(url, account, **texts)
    events, stop, problems = EventRecorder(), Shutdown(), []

    def run() -> None:
        try:
            serve_relay(settings, relay, project, options, events, stop)
        except DevkitError as error:
            problems.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        events.wait_until(lambda: bool(events.of(RelayReady)))
        (ready,) = events.of(RelayReady)
        yield Served(settings, relay, ready, events, stop)
    finally:
        stop.request()
        thread.join(DEADLINE)
    assert problems == []


def refused(
    project: Project, url: str, account: str, options: ServeOptions = OPTIONS, **texts: str
) -> DevkitError:
    """Why a receiver does not start."""
    settings, relay = configured(url, account, **texts)
    with pytest.raises(DevkitError) as error:
        serve_relay(settings, relay, project, options, EventRecorder(), Shutdown())
    return error.value


def test_a_receipt_is_on_the_engine_when_it_is_answered_200(
    project: Project, shared_redis: RedisServer
) -> None:
    url = "https://dlr.example.com"
    with serving(
        project, shared_redis.url, "kept", DEVKIT_RELAY_KEY=OLD, DEVKIT_RELAY_CALLBACK=url
    ) as served:
        ada = member_path(TEAM, "ada") + RECEIPT
        assert served.status(ada) == 200
        assert (
            served.status(OURS, data=b'{"status": "delivered"}', headers={"Content-Type": "application/json"})
            == 200
        )
        assert served.kept() == [("ada", ada), ("", OURS)]
        assert served.health == 200
        assert served.ready.callback_url == f"https://dlr.example.com{OURS}"
        assert served.ready.encrypted
    assert served.events.events[-1] == Stopped(2)
    assert served.events.notices == []
    with shared_redis.client as client:
        assert b"447700900001" not in b"".join(client.xrange(served_key("kept"))[0][1].values())


def served_key(account: str) -> str:
    return f"devkit:{account_name(account)}:receipts"


def test_only_paths_with_their_token_are_served_and_nothing_counts_as_local(
    project: Project, shared_redis: RedisServer
) -> None:
    local = {"Host": "localhost"}
    with serving(project, shared_redis.url, "paths") as served:
        assert served.status(CALLBACK_PATH + RECEIPT, headers=local) == 404
        assert served.status(f"{member_path(TEAM, 'ada')}-marie{RECEIPT}", headers=local) == 404
        assert served.status(f"{CALLBACK_PATH}/wrong-token-0123456{RECEIPT}") == 404
        assert served.status("/") == 404
        assert (
            served.status(OURS + RECEIPT, headers={**local, REPLAY_HEADER: "1", TRIGGER_HEADER: "1"}) == 200
        )
        assert served.status(OURS) == 200  # Vonage's probe, which is no receipt
        assert served.kept() == [("", OURS + RECEIPT)]
        served.events.wait_until(lambda: len(served.events.of(Refused)) == 4)


def test_several_receivers_serve_one_engine(project: Project, shared_redis: RedisServer) -> None:
    with (
        serving(project, shared_redis.url, "several") as first,
        serving(project, shared_redis.url, "several") as second,
    ):
        for number in range(4):
            assert (first, second)[number % 2].status(f"{OURS}{RECEIPT}&n={number}") == 200
        assert [target[-1] for _, target in second.kept()] == ["0", "1", "2", "3"]
        settings, relay = configured(shared_redis.url, "several")
        with opened_engine(settings, relay) as engine:
            assert list(relay_status(engine).receivers) == [first.ready.receiver, second.ready.receiver]
    assert first.ready.receiver != second.ready.receiver


def test_a_request_in_progress_is_finished_when_the_receiver_stops(
    project: Project, shared_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived, stopping, append = threading.Event(), threading.Event(), RedisEngine.append

    def append_late(engine: RedisEngine, entries: Sequence[EntryFields]) -> list[str | RelayError]:
        arrived.set()
        assert stopping.wait(DEADLINE)
        return append(engine, entries)

    monkeypatch.setattr(RedisEngine, "append", append_late)
    answers: list[int] = []
    with serving(project, shared_redis.url, "stop") as served:

        def let_it_write() -> None:
            wait_until(lambda: served.is_stopping)
            stopping.set()

        request = threading.Thread(target=lambda: answers.append(served.status(OURS + RECEIPT)))
        request.start()
        assert arrived.wait(DEADLINE)
        # The block ends, and with it the receiver; the entry is written only after that has begun.
        threading.Thread(target=let_it_write).start()
    request.join(DEADLINE)

    assert answers == [200]
    assert served.kept() == [("", OURS + RECEIPT)]


def test_without_a_key_it_says_once_that_the_engine_holds_numbers(
    project: Project, shared_redis: RedisServer
) -> None:
    with serving(project, shared_redis.url, "clear") as served:
        served.status(OURS + RECEIPT)
        served.status(OURS + RECEIPT)

        assert not served.ready.encrypted
    (notice,) = served.events.notices
    assert "the engine holds phone numbers in clear" in notice


def test_an_engine_that_goes_away_gives_503_until_it_is_back(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "RETRY_SECONDS", 0.05)
    (tmp_path / "redis").mkdir()
    with redis_server(tmp_path / "redis") as server, serving(project, server.url, "away") as served:
        assert served.status(f"{OURS}{RECEIPT}&n=1") == 200
        server.kill()
        assert served.status(f"{OURS}{RECEIPT}&n=2") == 503
        assert served.health == 503
        served.events.wait_until(lambda: bool(served.events.of(NotRecorded)))  # it comes after the response
        (problem,) = served.events.of(NotRecorded)
        assert problem.error.startswith(f"A receipt could not be kept. The engine {server.url} failed:")
        assert problem.hint == "Vonage will send it again. Find out what is wrong: devkit relay check"
        server.start()
        wait_until(lambda: served.health == 200)
        assert served.status(f"{OURS}{RECEIPT}&n=3") == 200
        assert [target[-1] for _, target in served.kept()] == ["1", "3"]


def test_an_engine_that_is_full_gives_503_until_it_has_room(project: Project, tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    with redis_server(tmp_path / "redis") as server, serving(project, server.url, "full") as served:
        with server.client as client:
            client.config_set("maxmemory", "1kb")
            assert (served.status(OURS + RECEIPT), served.health) == (503, 503)
            client.config_set("maxmemory", "100mb")
        assert (served.health, served.status(OURS + RECEIPT)) == (200, 200)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("appendonly", "no"),
        ("appendfsync", "everysec"),
        ("maxmemory-policy", "allkeys-lru"),
        ("no-appendfsync-on-rewrite", "yes"),
    ],
)
def test_an_engine_that_loses_what_it_acknowledged_is_refused(
    project: Project, tmp_path: Path, setting: str, value: str
) -> None:
    (tmp_path / "redis").mkdir()
    with redis_server(tmp_path / "redis", **{setting: value}) as server:
        error = refused(project, server.url, "loses")
        assert isinstance(error, ConfigurationError)
        assert error.message.startswith(
            f"The engine would lose receipts that were answered 200. {setting} is {value}"
        )
        assert f"CONFIG SET {setting}" in error.hint
        assert "--risk-loss" in error.hint

        with serving(
            project, server.url, "loses", ServeOptions("127.0.0.1", 0, None, risk_loss=True)
        ) as served:
            assert served.status(OURS + RECEIPT) == 200
            assert served.ready.health_url == ""
        assert any(f"{setting} is {value}" in text for text in served.events.notices)


def test_a_receivers_own_user_suffices_and_what_it_cannot_tell_is_said(
    project: Project, shared_redis: RedisServer
) -> None:
    receiver, follower = (line for line in acl_commands(account_name("own")) if "-@all" in line)
    with shared_redis.client as client:
        client.execute_command(*receiver.split())
        client.execute_command(*follower.split())
    url = shared_redis.url.replace("//", "//receiver:PASSWORD@")
    with serving(project, url, "own") as served:
        assert (served.status(OURS + RECEIPT), served.health) == (200, 200)
        with pytest.raises(RelayError, match="no permissions"):
            served.kept()
    assert any("not known whether appendfsync is always" in text for text in served.events.notices)
    assert not any(text.endswith("..") for text in served.events.notices)
    assert "PASSWORD" not in served.ready.engine
    reading = refused(project, shared_redis.url.replace("//", "//follower:ANOTHER-PASSWORD@"), "own")
    assert "no permissions" in reading.message


def test_what_a_receiver_lacks_is_told_before_it_starts(project: Project, shared_redis: RedisServer) -> None:
    settings, relay = configured(shared_redis.url, "")
    with pytest.raises(ConfigurationError, match="VONAGE_API_KEY is not set"):
        serve_relay(settings, relay, project, OPTIONS, EventRecorder(), Shutdown())
    with pytest.raises(ConfigurationError, match="DEVKIT_CALLBACK_TOKEN is empty"):
        serve_relay(
            Settings(api_key="x", callback_token=""), relay, project, OPTIONS, EventRecorder(), Shutdown()
        )
    assert "the URL of the relay's engine, is not set" in refused(project, "", "x").message
    assert "failed: Error" in refused(project, "redis://127.0.0.1:1", "x").message
    assert "is another machine" in refused(project, "redis://redis.example.com", "x").message


def test_a_recording_is_a_fixture_file(project: Project, shared_redis: RedisServer) -> None:
    with serving(project, shared_redis.url, "file") as served:
        served.status(OURS + RECEIPT)
        settings, relay = configured(shared_redis.url, "file")
        with opened_engine(settings, relay) as engine:
            (only,) = engine.read("", 0, 10)
        fixture, data = file_of(only.id, parse_entry(only.id, only.fields), relay.cipher)

    assert loads(data) == fixture
    assert fixture.callback.header("Host") == served.ready.local_url.removeprefix("http://")
