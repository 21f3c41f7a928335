"""The relay's engine on Redis or Valkey. No other module names the `redis` client."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from devkit.errors import ConfigurationError, RelayError
from devkit.relay.engine_url import EngineURL
from devkit.relay.stream import EngineState, EntryFields, Span, StreamEntry, id_parts
from devkit.webhook.masking import hide_secrets, one_line

GROUP_SECONDS = 3.0  # for the answers to all entries of a group: Vonage gives up 15 s after it has connected
RETRY_SECONDS = 1.0  # between two attempts to connect; what comes meanwhile is refused at once
BLOCK_SECONDS = 2.0  # how long a read waits on the engine. Longer ones look like a dead connection
_CONNECT_SECONDS = 1.0  # to connect for a group, and for each step after that: TLS, password
_READ_SECONDS = 10.0  # without an answer the connection is dead: some networks drop it without a word

_CHECK = "Find out what is wrong: devkit relay check"

# What the users of the engine may do: a receiver only appends, a follower only reads. INFO shows a receiver whether the
# engine evicts or forgets. CONFIG would tell more, but also the engine's passwords.
_RECEIVER = "+ping +hello +xadd +info +time"
_FOLLOWER = "+ping +hello +xread +xrange +xlen +xinfo|stream +time"

T = TypeVar("T")


def acl_commands(account: str) -> list[str]:
    """The commands for redis-cli that make these users. account: as in `account_name`."""
    keys = f"~devkit:{account}:*"
    return [
        "ACL SETUSER admin reset on >ADMIN-PASSWORD +@all ~* &*",
        f"ACL SETUSER receiver reset on >PASSWORD -@all {_RECEIVER} {keys}",
        f"ACL SETUSER follower reset on >ANOTHER-PASSWORD -@all {_FOLLOWER} {keys}",
        "ACL SETUSER default off",
        "# To keep them: ACL SAVE where the engine has an aclfile, else CONFIG REWRITE. Both as admin.",
    ]


class RedisEngine:
    """The stream of one account on Redis 7 or Valkey.

    Writes are for one thread, reads for another. A write is never repeated: when only the answer was lost, the entry is
    there, and Vonage's own retry shows up as a duplicate.
    keep: older entries are removed when new ones are written, by the engine's clock; None removes none.
    """

    def __init__(
        self,
        url: EngineURL,
        account: str,
        *,
        keep: timedelta | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = _import_redis()
        self.url = url
        self.key = f"devkit:{account}:receipts"  # the account is one hash slot
        self._keep, self._clock = keep, clock
        self._client = self._redis.Redis(**self._options(_READ_SECONDS), ssl=url.tls)
        self._prober = self._redis.Redis(**self._options(_CONNECT_SECONDS), ssl=url.tls)
        self._writer: Any = None
        self._down = RelayError("the engine is not connected", hint=_CHECK)
        self._last_id = ""
        self._closed = threading.Event()

    def connect(self) -> None:
        """Connect for `append`; it connects again by itself later. Raises RelayError."""
        with self._translated():
            self._writer = self._new_connection()

    def close(self) -> None:
        """Close all connections."""
        self._closed.set()
        self._drop_writer()
        self._client.close()
        self._prober.close()

    def append(self, entries: Sequence[EntryFields]) -> list[str | RelayError]:
        deadline = self._clock() + GROUP_SECONDS
        results: list[str | RelayError] = []
        try:
            if entries and (writer := self._usable_writer()):  # a batch can be probes only
                # One request for all, without MULTI: the engine syncs its file once for what it reads together.
                writer.send_packed_command([b"".join(map(self._command, entries))], check_health=False)
                while len(results) < len(entries):
                    results.append(self._answer(writer, deadline))
        except (self._redis.RedisError, OSError) as error:
            self._lose_writer(error)
        return results + [self._down] * (len(entries) - len(results))

    def read(self, after: str, wait: float, count: int) -> list[StreamEntry]:
        block = max(1, int(wait * 1000)) if wait > 0 else None  # 0 would wait without an end
        with self._translated():
            answer: Any = self._client.xread({self.key: after or "0-0"}, count=count, block=block)
        return [StreamEntry(entry_id.decode(), fields) for _, found in answer for entry_id, fields in found]

    def span(self) -> Span:
        with self._translated():
            try:
                found: Any = self._client.xinfo_stream(self.key)
            except self._redis.ResponseError as error:
                if "no such key" in str(error):
                    return Span()
                raise
        first = found["first-entry"]
        return Span(first[0].decode() if first else "", _text(found["last-generated-id"]), found["length"])

    def now(self) -> datetime:
        """The engine's clock, in UTC. Raises RelayError."""
        with self._translated():
            seconds, microseconds = self._client.time()
        return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=microseconds)

    def check_writable(self) -> None:
        """Raise RelayError if the engine would not keep an entry now. Writes none."""
        if self._writer is None:
            raise self._down
        with self._translated():
            # To a stream that does not exist. An engine that is full, read-only or out of disk refuses this, too.
            command = ("XADD", self.key.replace(":receipts", ":no-stream"), "NOMKSTREAM", "*", "v", "0")
            self._prober.execute_command(*command)

    def inspect(self) -> EngineState:
        """The engine's state, as far as this user may see it. Raises RelayError when it does not answer."""
        with self._translated():
            self._prober.ping()
        return EngineState(self._allowed(self._info), self._allowed(self._settings), self._allowed(self.now))

    def _allowed(self, ask: Callable[[], T]) -> T | None:
        """What the engine answers; None when it forbids the question, as managed ones do."""
        try:
            return ask()
        except (self._redis.ResponseError, RelayError):
            return None

    def _info(self) -> dict[str, str]:
        found: Any = self._client.info()
        return {name: _text(value) for name, value in found.items()}

    def _settings(self) -> dict[str, str]:
        # Names only: an answer to `*` would have the engine's passwords.
        found: Any = self._client.config_get("appendonly", "appendfsync", "no-appendfsync-on-rewrite")
        return {_text(name): _text(value) for name, value in found.items()}

    def _command(self, fields: EntryFields) -> bytes:
        """The XADD of an entry as it is sent. The client's own packing takes three times as long."""
        parts = [b"XADD", self.key.encode()]
        if self._keep and self._last_id:
            oldest = id_parts(self._last_id)[0] - int(self._keep.total_seconds() * 1000)
            parts += [b"MINID", b"~", b"%d" % max(0, oldest)]
        parts += [b"*", *(part for pair in fields.items() for part in pair)]
        return b"*%d\r\n%b" % (len(parts), b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts]))

    def _answer(self, writer: Any, deadline: float) -> str | RelayError:
        """The answer to one entry: its id, or why the engine refuses it."""
        # It reads, too. The time is for the group: an engine that answers one entry a second must not take a minute.
        if not writer.can_read(timeout=max(0, deadline - self._clock())):
            raise self._redis.TimeoutError(f"no answer in {GROUP_SECONDS:g} s")
        try:
            self._last_id = writer.read_response().decode()
        except self._redis.ResponseError as error:
            return self._error(error)
        return self._last_id

    def _usable_writer(self) -> Any:
        """The connection for a group; None while the engine is down.

        One that the engine has closed since is replaced: nothing was written to it yet, so nothing is repeated.
        """
        if self._writer is not None and _is_stale(self._writer):
            self._drop_writer()
            self._writer = self._new_connection()
        return self._writer

    def _lose_writer(self, error: Exception) -> None:
        """Refuse what comes, until a thread has connected again. The caller's thread must not wait for that."""
        self._down = self._error(error)
        self._drop_writer()
        threading.Thread(target=self._reconnect, name="relay-connect", daemon=True).start()

    def _reconnect(self) -> None:
        while not self._closed.wait(RETRY_SECONDS):
            try:
                self._writer = self._new_connection()
            except (self._redis.RedisError, OSError) as error:
                self._down = self._error(error)
            else:
                return

    def _new_connection(self) -> Any:
        kind = self._redis.connection.SSLConnection if self.url.tls else self._redis.Connection
        connection = kind(**self._options(_CONNECT_SECONDS))
        try:
            connection.connect()
            connection.send_command("PING", check_health=False)  # a frozen engine takes connections, too
            connection.read_response()
        except BaseException:
            connection.disconnect()
            raise
        return connection

    def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(OSError):
                writer.disconnect()

    def _options(self, seconds: float) -> dict[str, Any]:
        """For a connection. seconds: the longest wait for an answer."""
        url = self.url
        tls = {"ssl_ca_certs": url.authority or None, "ssl_cert_reqs": "required", "ssl_check_hostname": True}
        return {
            "host": url.host,
            "port": url.port,
            "db": url.database,
            "username": url.username or None,
            "password": url.password or None,
            "protocol": 2,  # the same answers from every version of the client
            "socket_timeout": seconds,
            "socket_connect_timeout": _CONNECT_SECONDS,
            "socket_keepalive": True,
            # By default the client sends a command again when the answer was lost: four entries for one.
            "retry": self._redis.retry.Retry(self._redis.backoff.NoBackoff(), 0),
            **(tls if url.tls else {}),
        }

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (self._redis.RedisError, OSError) as error:
            raise self._error(error) from error

    def _error(self, error: Exception) -> RelayError:
        reason = one_line(hide_secrets(str(error), [self.url.password]))
        return RelayError(f"The engine {self.url} failed: {reason.rstrip('.')}.", hint=_CHECK)


def _is_stale(writer: Any) -> bool:
    """Whether the engine closed a connection, or sent something that nobody waits for."""
    try:
        return bool(writer.can_read(timeout=0))
    except Exception:  # noqa: BLE001 - whatever it is, the connection cannot be used
        return True


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _import_redis() -> Any:
    try:
        import redis  # here: it needs the extra, and no other command must wait for it
        import redis.backoff
        import redis.connection
        import redis.retry
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "redis":
            raise
        raise ConfigurationError(
            "The relay needs the client of its engine, which is not installed.",
            hint=f"Install it beside devkit: {sys.executable} -m pip install 'vonage-devkit[relay]'",
        ) from error
    return redis
