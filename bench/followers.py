"""Followers of the relay in one process, in a thread and a directory each. They print when a receipt is on disk."""

import os
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path

from devkit.events import Event
from devkit.fixture.store import Store
from devkit.relay.engine import RedisEngine
from devkit.relay.follower import Follower, Following
from devkit.relay.reader import Received, RelayReader, Selection
from devkit.relay.settings import relay_settings
from devkit.relay.stream import account_name


def main(count: int) -> None:
    """Follow until SIGTERM. Prints `ready`, then the message id and the moment of each file, by the system's clock."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    for number in range(count):
        _follower(Path(str(number))).start()
    print("ready", flush=True)
    threading.Event().wait()


def _follower(directory: Path) -> Follower:
    relay = relay_settings(dict(os.environ), {})
    account = account_name(os.environ["VONAGE_API_KEY"])
    engine = RedisEngine(relay.engine_url(), account)
    store = Store(directory / "fixtures")
    store.prepare()
    reader = RelayReader(engine, Selection("ada"), relay.cipher, engine.span().last)
    following = Following(str(engine.url), account, "ada")
    return Follower(following, reader, store, _ignore, _print, partial(_ignore_position))


def _print(received: Received, file: str) -> None:
    now = time.monotonic()
    reading = received.fixture.read()
    print(f"{getattr(reading, 'message_id', '')} {now:.6f}\n", end="", flush=True)


def _ignore(event: Event) -> None:
    """The terminal of a follower, which is not measured."""


def _ignore_position(position: str) -> None:
    """It is written after the files."""


if __name__ == "__main__":
    main(int(sys.argv[1]))
