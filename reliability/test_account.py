"""The account's callback and the tunnel: take-overs between directories, kills, and a tunnel with endless responses."""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import permutations, product, repeat
from pathlib import Path

import pytest

from reliability.conftest import Figures, Often
from tests.support.command import run
from tests.support.dev_process import DEV, TIMEOUT, DevProcess, running_dev
from tests.support.live_account import environ, registered_callback
from tests.support.proxy import pass_on_both_ways
from tests.support.raw_socket import DEADLINE, RawServer, closed_port
from tests.support.settings_gateway import Gateway
from tests.support.simulator_client import Listener
from tests.support.slow_server import dripping
from tests.support.terminal_session import on_a_terminal, own_tunnel

FORCE = "devkit restore --force"
ENDS = [
    ((first, how_first), (second, how_second))
    for first, second in permutations("AB")
    for how_first, how_second in product(("stop", "kill"), repeat=2)
]


def end(dev: DevProcess, how: str) -> None:
    if how == "stop":
        assert dev.stop() in (0, 4), dev.describe()  # 4: the former URL does not respond any more
    else:
        dev.process.kill()
        dev.finish()


@pytest.mark.parametrize("ends", ENDS, ids=lambda ends: ", ".join(" ".join(each) for each in ends))
def test_after_a_take_over_between_two_directories_the_callback_is_restored_or_reported(
    tmp_path: Path, vonage: Gateway, former: Listener, ends: tuple[tuple[str, str], ...], figures: Figures
) -> None:
    """With real processes. tests/vonage/test_registration_takeover.py has more orders, in one process."""
    settings = environ(vonage)
    paths = {name: tmp_path / name for name in "AB"}
    with ExitStack() as stack:
        sessions = {}
        for name, path in paths.items():
            path.mkdir()
            sessions[name] = stack.enter_context(running_dev(path, *own_tunnel(), "--force", **settings))
            sessions[name].wait_for("ready")
        for name, how in ends:
            end(sessions[name], how)
    said = sessions["A"].stderr + "".join(run(path, "restore", **settings).err for path in paths.values())

    is_restored = registered_callback(vonage) == former.url
    if not is_restored:
        assert former.url in said
        assert FORCE in said
        assert run(paths["A"], "restore", "--force", **settings).code == 0
    assert registered_callback(vonage) == former.url
    run(paths["B"], "restore", **settings)
    assert registered_callback(vonage) == former.url
    assert list(tmp_path.glob("*/.devkit/registration*")) == []
    order = ", ".join(" ".join(each) for each in ends)
    figures.note(f"two directories: {order}: {'restored' if is_restored else 'reported, then restored'}")


def test_a_session_that_ends_while_somebody_thinks_about_a_take_over(
    tmp_path: Path, vonage: Gateway, former: Listener, often: Often, figures: Figures
) -> None:
    rounds = often(5, 1)
    paths = [tmp_path / name for name in "AB"]
    for path in paths:
        path.mkdir()
    for _ in range(rounds):
        with running_dev(paths[0], *own_tunnel(), **environ(vonage)) as first:
            first.wait_for("ready")
            with on_a_terminal(paths[1], *DEV, *own_tunnel(), **environ(vonage)) as terminal:
                terminal.wait_for("[y/N]")
                assert first.stop() == 0
                terminal.type("y\n")
                terminal.wait_for(f"changed meanwhile: now it is {former.url}")
                terminal.type("y\n")
                terminal.wait_for("ready")
                assert registered_callback(vonage) != former.url
                terminal.process.send_signal(signal.SIGINT)
                terminal.wait_for("stopped")
                assert terminal.process.wait(TIMEOUT) == 0
        assert registered_callback(vonage) == former.url
    figures.note(f"take-over: {rounds} sessions ended during the question; asked again, restored each time")


class Tunnel(RawServer):
    """Leads to a port of this machine. While `drips` is set, its responses never end."""

    def __init__(self, port: int, first: bytes, drip: bytes) -> None:
        self.port = port
        self.drips = False
        self.dripped = 0
        self._drip = dripping(first, drip, self._note)
        super().__init__(repeat(lambda _, connection: self._converse(connection)))

    def _note(self) -> None:
        self.dripped += 1

    def _converse(self, connection: socket.socket) -> None:
        if self.drips:
            self._drip(self, connection)
            return
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), DEADLINE) as onward:
            pass_on_both_ways(connection, onward)


HEAD = b"HTTP/1.1 200 OK\r\n"
KINDS = [
    pytest.param(HEAD, b"X", id="headers"),
    pytest.param(HEAD + b"Content-Length: 9999\r\n\r\n", b"x", id="body"),
    pytest.param(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", id="chunks"),
]


@contextmanager
def behind(
    first: bytes, drip: bytes, directory: Path, vonage: Gateway, *, drips: bool
) -> Iterator[tuple[DevProcess, Tunnel]]:
    port = closed_port()
    with closing(Tunnel(port, first, drip)) as tunnel:
        tunnel.drips = drips
        with running_dev(
            directory, "--port", str(port), "--public-url", tunnel.url, **environ(vonage)
        ) as dev:
            yield dev, tunnel


def wait_for_drip(tunnel: Tunnel) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not tunnel.dripped:
        assert time.monotonic() < deadline, "nobody asked"
        time.sleep(0.01)


@pytest.mark.parametrize(("first", "drip"), KINDS)
def test_a_tunnel_that_drips_from_the_start_can_be_stopped_and_ends_by_itself(
    tmp_path: Path, vonage: Gateway, former: Listener, first: bytes, drip: bytes, figures: Figures
) -> None:
    with behind(first, drip, tmp_path, vonage, drips=True) as (dev, tunnel):
        wait_for_drip(tunnel)
        began = time.monotonic()
        assert dev.stop() == 0
        stopped = time.monotonic() - began
    with behind(first, drip, tmp_path, vonage, drips=True) as (dev, tunnel):
        began = time.monotonic()
        assert dev.finish() == 5
        ended = time.monotonic() - began

    assert "gave no complete response within" in dev.stderr
    assert stopped < 3.0
    assert ended < 30.0
    assert registered_callback(vonage) == former.url
    figures.note(f"a tunnel that drips: stopped in {stopped:.1f} s, given up after {ended:.0f} s")


def test_a_tunnel_that_begins_to_drip_is_reported_and_does_not_delay_the_session(
    tmp_path: Path, vonage: Gateway, former: Listener, figures: Figures
) -> None:
    with behind(HEAD + b"Content-Length: 9999\r\n\r\n", b"x", tmp_path, vonage, drips=False) as (dev, tunnel):
        dev.wait_for("ready")
        tunnel.drips, began = True, time.monotonic()
        lost = dev.wait_for("tunnel", state="lost")
        reported = time.monotonic() - began
        asked = tunnel.dripped
        while tunnel.dripped == asked:  # the next check has begun: stop the session during it
            time.sleep(0.01)
        began = time.monotonic()
        assert dev.stop() == 0
        stopped = time.monotonic() - began

    assert "gave no complete response within 8 s" in lost["detail"]
    assert stopped < 3.0
    assert registered_callback(vonage) == former.url
    assert dev.names()[-2:] == ["restored", "stopped"]
    figures.note(f"a tunnel that begins to drip: reported after {reported:.0f} s, stopped in {stopped:.1f} s")
