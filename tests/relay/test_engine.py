"""The engine's client. Most tests need streams only, and run with fakeredis; the others with a redis-server."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from devkit.errors import RelayError
from devkit.relay import engine as engine_module
from devkit.relay.durability import problems
from devkit.relay.engine import GROUP_SECONDS, RedisEngine, acl_commands
from devkit.relay.engine_url import parse_engine_url
from devkit.relay.stream import Span, account_name, id_parts
from tests.support.fake_engine import engine_at, fake_engine_url
from tests.support.raw_socket import DEADLINE
from tests.support.redis_server import RedisServer, redis_server


@pytest.fixture
def fake() -> Iterator[RedisEngine]:
    with fake_engine_url() as url, engine_at(url) as engine:
        yield engine


def numbered(*numbers: int) -> list[dict[bytes, bytes]]:
    return [{b"n": str(number).encode()} for number in numbers]


def test_entries_come_back_in_order_with_rising_ids(fake: RedisEngine) -> None:
    ids = fake.append(numbered(*range(64)))
    read = fake.read("", 0, 100)

    assert [each.id for each in read] == ids
    assert [each.fields for each in read] == numbered(*range(64))
    assert sorted(ids, key=lambda entry_id: id_parts(str(entry_id))) == ids


def test_reading_goes_on_after_an_id_and_is_limited(fake: RedisEngine) -> None:
    ids = fake.append(numbered(1, 2, 3, 4))

    assert [each.id for each in fake.read(str(ids[0]), 0, 2)] == ids[1:3]
    assert fake.read(str(ids[3]), 0, 2) == []


def test_a_waiting_reader_gets_what_is_written(fake: RedisEngine) -> None:
    read: list[object] = []
    reader = threading.Thread(target=lambda: read.extend(fake.read("", DEADLINE / 2, 10)))
    reader.start()
    ids = fake.append(numbered(7))
    reader.join(DEADLINE)

    assert [each.id for each in read] == ids  # type: ignore[attr-defined]


def test_a_span_says_what_is_kept(fake: RedisEngine) -> None:
    assert fake.span() == Span()

    ids = fake.append(numbered(1, 2, 3))

    assert fake.span() == Span(str(ids[0]), str(ids[2]), 3)


def test_no_entries_are_no_request(fake: RedisEngine) -> None:
    assert fake.append([]) == []
    assert fake.span() == Span()


def test_the_key_of_an_account_does_not_show_its_api_key() -> None:
    assert account_name("abcd1234") == account_name("abcd1234") != account_name("abcd1235")
    assert len(account_name("abcd1234")) == 8
    assert "abcd1234" not in account_name("abcd1234")


def test_a_span_outlasts_what_was_kept(shared_redis: RedisServer) -> None:
    with engine_at(shared_redis.url, "span") as engine, shared_redis.client as client:
        ids = engine.append(numbered(1, 2, 3))
        client.xtrim(engine.key, minid=str(ids[2]), approximate=False)
        assert engine.span() == Span(str(ids[2]), str(ids[2]), 1)
        client.xtrim(engine.key, maxlen=0, approximate=False)
        assert engine.span() == Span("", str(ids[2]), 0)
        client.delete(engine.key)
        assert engine.span() == Span()


def test_old_entries_are_removed_by_the_engines_clock(shared_redis: RedisServer) -> None:
    with (
        engine_at(shared_redis.url, "trim", keep=timedelta(hours=1)) as engine,
        shared_redis.client as client,
    ):
        now = int(engine.now().timestamp() * 1000)
        with client.pipeline(transaction=False) as pipeline:
            for number in range(1000):  # whole nodes of the stream are removed, of 100 entries at most
                pipeline.xadd(engine.key, {"n": "old"}, id=f"{now - 2 * 3600 * 1000}-{number + 1}")
            pipeline.execute()
        engine.append(numbered(1))  # it learns the engine's clock
        engine.append(numbered(2))

        assert 2 <= engine.span().count <= 102
        assert [each.fields for each in engine.read("", 0, 200)][-2:] == numbered(1, 2)


def test_the_state_has_what_check_judges(shared_redis: RedisServer) -> None:
    with engine_at(shared_redis.url, "state") as engine:
        state = engine.inspect()

        assert problems(state, engine.now()) == []
        assert state.settings
        assert sorted(state.settings) == ["appendfsync", "appendonly", "no-appendfsync-on-rewrite"]
        engine.check_writable()
        assert engine.span() == Span()  # asking wrote nothing


def test_an_error_of_one_entry_leaves_the_others(shared_redis: RedisServer) -> None:
    with engine_at(shared_redis.url, "refused") as engine:
        good, bad = numbered(1, 2)
        first, refused, last = engine.append([good, {}, bad])  # XADD without a field is an error

        assert isinstance(refused, RelayError)
        assert "wrong number of arguments" in refused.message
        assert [each.id for each in engine.read("", 0, 10)] == [first, last]


def test_a_user_who_may_not_write_is_refused_and_reads(shared_redis: RedisServer) -> None:
    with shared_redis.client as client:
        _, follower = (line for line in acl_commands("acl") if "-@all" in line)
        client.execute_command(*follower.replace("ANOTHER-PASSWORD", "s3cret-pass").split())
    url = shared_redis.url.replace("//", "//follower:s3cret-pass@")
    with engine_at(shared_redis.url, "acl") as writer, engine_at(url, "acl") as reader:
        ids = writer.append(numbered(1))
        (refused,) = reader.append(numbered(2))

        assert isinstance(refused, RelayError)
        assert "no permissions" in refused.message
        assert [each.id for each in reader.read("", 0, 10)] == ids
        with pytest.raises(RelayError, match="no permissions"):
            reader.check_writable()
        assert reader.inspect().info is reader.inspect().settings is None


def test_a_wrong_password_is_told_and_not_shown(shared_redis: RedisServer) -> None:
    url = shared_redis.url.replace("//", "//ada:s3cret-pass@")
    with pytest.raises(RelayError) as error, engine_at(url):
        pass

    assert "invalid username-password pair" in error.value.message
    assert "redis://ada:***@127.0.0.1" in error.value.message
    assert "s3cret-pass" not in error.value.message + error.value.hint
    assert "devkit relay check" in error.value.hint


def test_an_idle_connection_that_the_engine_closed_loses_no_entry(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server, engine_at(server.url) as engine, server.client as client:
        engine.append(numbered(1))
        assert client.client_kill_filter(_type="normal", skipme=True) >= 1
        results = engine.append(numbered(2))

        assert [each.id for each in engine.read("", 0, 10)][1:] == results


def test_a_killed_engine_refuses_at_once_and_is_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "RETRY_SECONDS", 0.05)
    with redis_server(tmp_path) as server, engine_at(server.url) as engine:
        (kept,) = engine.append(numbered(1))
        server.kill()
        lost = [result for _ in range(3) for result in engine.append(numbered(2))]
        server.start()
        (after,) = _until_taken(engine, numbered(3))

        assert all(isinstance(result, RelayError) for result in lost)
        assert "Connection refused" in str(lost[-1]) or "Connection" in str(lost[-1])
        assert [each.id for each in engine.read("", 0, 10)] == [kept, after]


def test_a_frozen_engine_holds_one_group_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "GROUP_SECONDS", 0.2)
    monkeypatch.setattr(engine_module, "RETRY_SECONDS", 0.05)
    with redis_server(tmp_path) as server, engine_at(server.url) as engine:
        server.freeze()
        held = engine.append(numbered(*range(64)))
        refused = engine.append(numbered(*range(64)))
        server.thaw()
        ids = _until_taken(engine, numbered(100))

        assert len(held) == len(refused) == 64
        assert {str(result) for result in held} == {f"The engine {server.url} failed: no answer in 0.2 s."}
        assert all(isinstance(result, RelayError) for result in refused)
        assert engine.span().last == ids[0]


def test_the_time_limit_is_for_the_whole_group() -> None:
    with closing(_HangingEngine(answers=2)) as server:
        ticks = iter(range(100))
        engine = RedisEngine(parse_engine_url(server.url), "slow", clock=lambda: float(next(ticks)))
        engine.connect()
        with closing(engine):
            results = engine.append(numbered(*range(64)))

    assert results[:2] == ["1-1", "1-2"]  # each answer takes a second by this clock
    assert {str(result) for result in results[2:]} == {f"The engine {server.url} failed: no answer in 3 s."}
    assert len(results) == 64
    assert server.given_up.is_set()  # rather than waited for


def test_a_write_is_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "GROUP_SECONDS", 0.1)
    with closing(_HangingEngine(answers=0)) as server:
        engine = RedisEngine(parse_engine_url(server.url), "once")
        engine.connect()
        with closing(engine):
            (lost,) = engine.append(numbered(1))
            engine.append(numbered(2))

    assert isinstance(lost, RelayError)
    assert server.writes == 1


def _until_taken(engine: RedisEngine, entries: list[dict[bytes, bytes]]) -> list[str]:
    done = threading.Event()
    for _ in range(200):
        results = engine.append(entries)
        if all(isinstance(result, str) for result in results):
            return [str(result) for result in results]
        done.wait(0.05)
    raise AssertionError(f"the engine stays away: {results}")


class _HangingEngine:
    """Answers PING, and so many XADD. The answer to the next one would take long.

    writes: how many XADD came. given_up: set when the client did not wait for that answer.
    """

    def __init__(self, answers: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}"
        self._answers, self.writes, self.given_up = answers, 0, threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._thread.join(DEADLINE)

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        self._listener.close()  # the second connection is refused
        connection.settimeout(2 * GROUP_SECONDS)
        with connection:
            while data := connection.recv(1 << 20):
                answer = b"".join(_SIMPLE.get(word, b"") for word in data.split(b"\r\n"))
                self.writes += data.count(b"XADD")
                shown = range(1, min(self.writes, self._answers) + 1)
                answer += b"".join(f"$3\r\n1-{number}\r\n".encode() for number in shown)
                connection.sendall(answer)
            self.given_up.set()


_SIMPLE = {b"PING": b"+PONG\r\n", b"CLIENT": b"+OK\r\n"}
