"""Requests of somebody who knows the public URL but not the token, through the public side of each tunnel."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from devkit.http.address import parse_address
from devkit.http.client import push
from devkit.http.server import listen
from devkit.receiver.app import IncomingRequest, TokenAccess, serve_receiver
from devkit.webhook.callback import CALLBACK_PATH, REPLAY_HEADER, TRIGGER_HEADER, Callback
from tests.support.standin_edge import Edge

TOKEN = "0123456789abcdef"


class Seen(list[IncomingRequest]):
    """The requests that the receiver classified."""

    def handle_batch(self, requests: object) -> tuple[list[int], object]:
        assert isinstance(requests, list)
        self.extend(requests)
        return [200] * len(requests), lambda: None


@contextmanager
def receiver(seen: Seen, *, trusts_local: bool = True) -> Iterator[str]:
    with (
        listen("127.0.0.1", 0) as listener,
        serve_receiver(seen.handle_batch, listener, TokenAccess(TOKEN, trusts_local)),  # type: ignore[arg-type]
    ):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def public_side(tunnel: str, local_url: str) -> Iterator[str]:
    standin = SimpleNamespace(
        tunnel=tunnel, count_request=lambda: None, refusal=lambda: None, log=lambda *args, **fields: None
    )
    with Edge(standin, local_url) as edge:
        threading.Thread(target=edge.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{edge.server_address[1]}"
        finally:
            edge.shutdown()


def status(url: str, path: str, host: str, *headers: tuple[str, str]) -> int:
    address = parse_address(url)
    sent = (("Host", host), *headers)
    return push(Callback("GET", f"{path}?messageId=1&status=delivered", sent), address).status


HOSTS = ["dlr.example.test", "127.0.0.1", "localhost:3000", "[::1]"]
TRICKS: list[tuple[tuple[str, str], ...]] = [
    (),
    ((TRIGGER_HEADER, "1"),),
    ((REPLAY_HEADER, "1"),),
    (("Connection", "close, X-Forwarded-For, X-Forwarded-Host, Cf-Connecting-Ip"),),
    (("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Host", "localhost")),
]


@pytest.mark.parametrize("tunnel", ["ngrok", "cloudflared", "tailscale"])
def test_whatever_a_request_claims_through_a_tunnel_it_is_not_taken(tunnel: str) -> None:
    seen = Seen()
    with receiver(seen) as local_url, public_side(tunnel, local_url) as public_url:
        claimed = {status(public_url, CALLBACK_PATH, host, *trick) for host in HOSTS for trick in TRICKS}
        guessed = status(public_url, f"{CALLBACK_PATH}/{TOKEN[:-1]}0", "dlr.example.test")
        kinds = {each.kind for each in seen}
        with_token = status(public_url, f"{CALLBACK_PATH}/{TOKEN}", "dlr.example.test", (TRIGGER_HEADER, "1"))
        local = status(local_url, CALLBACK_PATH, "127.0.0.1", (TRIGGER_HEADER, "1"))

    assert (claimed, guessed, kinds) == ({404}, 404, {"refused"})
    assert (with_token, local) == (200, 200)
    assert [each.kind for each in seen[-2:]] == ["receipt", "triggered"]


def test_through_a_tunnel_that_hides_everything_nothing_is_taken() -> None:
    """Codespaces sends `Host: localhost`; what else is not documented. Nothing at all is the worst."""
    seen = Seen()
    with receiver(seen, trusts_local=False) as url:
        claimed = {status(url, CALLBACK_PATH, host, *trick) for host in HOSTS for trick in TRICKS}
        kinds = {each.kind for each in seen}
        with_token = status(url, f"{CALLBACK_PATH}/{TOKEN}", "localhost:3000", (TRIGGER_HEADER, "1"))

    assert (claimed, kinds) == ({404}, {"refused"})
    assert with_token == 200
    assert seen[-1].kind == "receipt"
