"""Checks the path from outside to this machine: agent, authtoken, tunnel, public URL."""

import math
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from devkit.doctor.check import UNKNOWN, Check, Context, failed, ok, refused, skipped
from devkit.durable.regular_file import read_regular_file
from devkit.errors import CallbackHeldError, DevkitError, TunnelError
from devkit.http.server import listen, serve
from devkit.receiver.app import IncomingRequest, create_receiver
from devkit.session.reachability import wait_until_reachable, why_unreachable
from devkit.session.signals import Shutdown, ShutdownRequested
from devkit.simulator.options import SimulatorOptions
from devkit.simulator.outcomes import OFFLINE_RECIPIENT
from devkit.simulator.run import run_simulator
from devkit.tunnel.agent import ENDPOINTS_API, NgrokOptions, agent_version, running_agent
from devkit.tunnel.orphaned_agents import find_orphaned_agents
from devkit.tunnel.types import given_url
from devkit.vonage.client import Credentials
from devkit.vonage.sms import send_sms
from devkit.webhook.callback import CALLBACK_PATH, REACHABILITY_HEADER
from devkit.webhook.receipt import Receipt, read

_HEADER = f"HTTP_{REACHABILITY_HEADER.upper().replace('-', '_')}"
_PATH = f"{CALLBACK_PATH}/doctor"


class ProbeServer:
    """Hears our own question, and sends all else away with 503, so that a real receipt comes again later."""

    def __init__(self) -> None:
        self.nonce = secrets.token_hex(16)
        self.heard = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        ours = environ.get(_HEADER) == self.nonce
        if ours:
            self.heard.set()
        start_response("200 OK" if ours else "503 Service Unavailable", [("Content-Length", "0")])
        return [b""]


def check_through(public_url: str, probe_server: ProbeServer, stop: Shutdown) -> DevkitError | None:
    """Why a public URL does not lead to the ear, which must be served; None when it does. Raises ShutdownRequested."""
    try:
        wait_until_reachable(f"{public_url.rstrip('/')}{_PATH}", probe_server.nonce, probe_server.heard, stop)
    except DevkitError as error:
        return error
    return None


_STEPS = ("agent", "authtoken", "tunnel", "public url")
_MAX_CONFIG = 1024 * 1024  # bytes
_TOKEN_LINE = re.compile(r"^[ \t]*authtoken:[ \t]*\S", re.MULTILINE)
_NEW_TOKEN = (
    "Put NGROK_AUTHTOKEN=... into .env; copy it from https://dashboard.ngrok.com/get-started/your-authtoken"
)


def way_checks(case: Context) -> Iterator[Check]:
    """The agent found, its authtoken, whether it starts, and whether its public URL leads here.

    Starts no agent while a session runs, and ends the one that it starts.
    """
    if case.session:
        yield from _of_session(case)
    elif case.mode != "live":
        why = UNKNOWN if case.mode == "unknown" else "offline mode needs no tunnel"
        yield from (skipped(step, why) for step in _STEPS)
    elif case.settings.public_url:
        yield from (skipped(step, "DEVKIT_PUBLIC_URL names a tunnel of your own") for step in _STEPS[:3])
        yield _of_given_url(case)
    else:
        yield from _of_agent(case)


def public_check(case: Context) -> Check:
    """Whether the session's receiver is reached through its public URL."""
    if case.session is None:
        return skipped("public url", "no session runs")
    if case.session.mode == "offline":
        return skipped("public url", "an offline session has none")
    try:
        wrong = why_unreachable(case.session.callback_url, case.stop)
    except ShutdownRequested:
        return skipped("public url", "stopped")
    if wrong:
        return failed(
            "public url", f"the session is not reached from outside: {wrong}", "Start it again: make dev"
        )
    return ok("public url", f"{case.session.public_url} leads to the session")


def _of_session(case: Context) -> Iterator[Check]:
    yield from (skipped(step, "the session that runs has its own") for step in _STEPS[:3])
    yield public_check(case)


def _of_given_url(case: Context) -> Check:
    probe_server = ProbeServer()
    try:
        given_url(case.settings.public_url)
        with serve(probe_server, listen("127.0.0.1", case.settings.port)):
            error = check_through(case.settings.public_url.strip(), probe_server, case.stop)
    except DevkitError as failure:
        error = failure
    except ShutdownRequested:
        return skipped("public url", "stopped")
    if error:
        return refused("public url", error)
    return ok("public url", f"{case.settings.public_url} leads to port {case.settings.port}")


def _of_agent(case: Context) -> Iterator[Check]:
    before = [_agent(case.agent_path), _token(case)]
    yield from before
    why = next((f"first the {check.step}" for check in before if check.outcome != "ok"), "")
    if find_orphaned_agents(case.project.private):
        why = "first the agent that a killed session has left: devkit restore ends it"
    if why:
        yield from (skipped(step, why) for step in _STEPS[2:])
        return
    yield from _start(case)


def _agent(path: Path) -> Check:
    if not path.exists():
        hint = "Or install ngrok yourself and put PYNGROK_NGROK_PATH=/path/to/ngrok into .env"
        return skipped(
            "agent", f"there is none at {path} yet; devkit dev downloads it at its first start", hint
        )
    try:
        version = agent_version(path)
    except TunnelError as error:
        return refused("agent", error)
    words = f"{path}, version {version[0]}.{version[1]}"
    if version < ENDPOINTS_API:  # devkit uses an older API with it, which ngrok may refuse
        return ok("agent", f"{words}, which is old", "If ngrok refuses it: ngrok update")
    return ok("agent", words)


def _token(case: Context) -> Check:
    if case.settings.ngrok_authtoken:
        return ok("authtoken", "in NGROK_AUTHTOKEN")
    config = case.ngrok_config
    try:
        found = bool(_TOKEN_LINE.search(read_regular_file(config, _MAX_CONFIG).decode("utf-8", "replace")))
    except OSError:
        found = False
    if found:
        return ok("authtoken", f"in {config}")
    return failed("authtoken", f"there is none, neither in NGROK_AUTHTOKEN nor in {config}", _NEW_TOKEN)


def _start(case: Context) -> list[Check]:
    probe_server, options = ProbeServer(), _options(case)
    try:
        with _alone(case), serve(probe_server, listener := listen("127.0.0.1", 0)):
            local_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with running_agent(
                options, case.agent_path, local_url, stopping=case.stop, clock=time.monotonic
            ) as agent:
                opened = ok("tunnel", f"the agent starts and opens {agent.public_url}")
                error = check_through(agent.public_url, probe_server, case.stop)
    except CallbackHeldError:
        return [skipped(step, "a session starts in this directory just now") for step in _STEPS[2:]]
    except ShutdownRequested:
        return [skipped(step, "stopped") for step in _STEPS[2:]]
    except DevkitError as failure:
        if case.stop():
            return [skipped(step, "stopped") for step in _STEPS[2:]]
        return [refused("tunnel", failure), skipped("public url", "first the tunnel")]
    return [
        opened,
        refused("public url", error) if error else ok("public url", "it leads here, there and back"),
    ]


def _options(case: Context) -> NgrokOptions:
    settings = case.settings
    return NgrokOptions(case.project.private, authtoken=settings.ngrok_authtoken, url=settings.ngrok_url)


@contextmanager
def _alone(case: Context) -> Iterator[None]:
    """Have the project to oneself, as a session has: neither is to start an agent beside the other's."""
    private = case.project.private
    is_new = not private.exists()
    case.project.prepare()
    try:
        with case.project.session_lock(case.now().isoformat(timespec="seconds")):
            yield
    finally:
        if is_new:
            with suppress(OSError):  # not empty: somebody uses it by now
                private.rmdir()


_PATIENCE = 10.0  # seconds; it takes a few hundredths


def offline_checks(case: Context) -> Iterator[Check]:
    """Whether offline mode works here; only when a session would be offline and none runs."""
    if case.mode == "offline" and case.session is None:
        yield _rehearse()


def _rehearse() -> Check:
    statuses: list[str] = []
    ended = threading.Event()

    def take(arrival: IncomingRequest) -> int:
        reading = read(arrival.callback)
        if arrival.kind == "receipt" and isinstance(reading, Receipt):
            statuses.append(reading.status)
            if reading.status == "delivered":
                ended.set()
        return 200

    token = secrets.token_urlsafe(16)
    try:
        with (
            serve(create_receiver(take, token=token), listener := listen("127.0.0.1", 0)),
            run_simulator(SimulatorOptions(speed=math.inf)) as simulator,
        ):
            callback = f"http://127.0.0.1:{listener.getsockname()[1]}{CALLBACK_PATH}/{token}"
            credentials = Credentials(simulator.api_key, simulator.api_secret, simulator.host)
            send_sms(credentials, to=OFFLINE_RECIPIENT, sender="devkit", text="Hello", callback=callback)
            ended.wait(_PATIENCE)
    except DevkitError as error:
        return refused("offline", error)
    if "delivered" not in statuses:
        return failed(
            "offline",
            f"a message to the simulator gave {len(statuses)} of 3 receipts",
            "Look for a firewall or a proxy that stands between programs of this machine",
        )
    return ok("offline", f"ready: a message to the simulator came back as {', '.join(statuses)}")
