"""An engine without a process: fakeredis on loopback. It knows streams, but neither INFO nor CONFIG."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fakeredis import TcpFakeServer

from devkit.relay.engine import RedisEngine
from devkit.relay.engine_url import parse_engine_url


@contextmanager
def fake_engine_url() -> Iterator[str]:
    server = TcpFakeServer(("127.0.0.1", 0))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"redis://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def engine_at(url: str, account: str = "0123abcd", **options: object) -> Iterator[RedisEngine]:
    """A client of an engine, connected for writing."""
    engine = RedisEngine(parse_engine_url(url), account, **options)  # type: ignore[arg-type]
    engine.connect()
    try:
        yield engine
    finally:
        engine.close()
