"""Checks the path from outside to this machine: agent, authtoken, tunnel, public URL; offline, the simulator."""

import math
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from devkit.doctor.check import UNKNOWN, Check, Context, failed, ok, refused, skipped
from devkit.errors import CallbackHeldError, DevkitError, NoTunnelError, TunnelError
from devkit.http.server import listen, serve
from devkit.receiver.app import IncomingRequest, TokenAccess, create_receiver
from devkit.session.reachability import wait_until_reachable, why_unreachable
from devkit.session.signals import Shutdown, ShutdownRequested
from devkit.session.tunnel_choice import TunnelChoice, choose_tunnel, ngrok_options
from devkit.simulator.options import SimulatorOptions
from devkit.simulator.outcomes import OFFLINE_RECIPIENT
from devkit.simulator.run import run_simulator
from devkit.tunnel.ngrok import ENDPOINTS_API, agent_version, has_saved_authtoken, running_agent
from devkit.tunnel.orphans import find_orphans
from devkit.tunnel.tailscale import require_login
from devkit.tunnel.tool import first_line, run_tool
from devkit.tunnel.types import Agent, Tunnel, TunnelEvent, given_url
from devkit.vonage.client import Credentials
from devkit.vonage.sms import send_sms
from devkit.webhook.callback import CALLBACK_PATH, REACHABILITY_HEADER
from devkit.webhook.receipt import Receipt, read

_STEPS = ("agent", "authtoken", "tunnel", "public url")
_NEW_TOKEN = (
    "Put NGROK_AUTHTOKEN=... into .env; copy it from https://dashboard.ngrok.com/get-started/your-authtoken. "
    "Or install cloudflared, which needs no account"
)


class ProbeServer:
    """Answers our own reachability check. Any other request gets 503, so that Vonage repeats a real receipt later."""

    def __init__(self) -> None:
        self.nonce = secrets.token_hex(16)
        self.received = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        is_ours = environ.get(f"HTTP_{REACHABILITY_HEADER.upper().replace('-', '_')}") == self.nonce
        if is_ours:
            self.received.set()
        start_response("200 OK" if is_ours else "503 Service Unavailable", [("Content-Length", "0")])
        return [b""]

    def wait_until_reachable(self, public_url: str, stop: Shutdown, timeout: float | None = None) -> None:
        """Return once the URL leads to this server, which must be served. timeout: seconds; None for the usual ones.

        Raises DevkitError, ShutdownRequested.
        """
        url = f"{public_url.rstrip('/')}{CALLBACK_PATH}/doctor"
        wait_until_reachable(url, self.nonce, self.received, stop, timeout=timeout)


def connectivity_checks(context: Context) -> Iterator[Check]:
    """The tunnel's agent, its authtoken, whether it opens a tunnel, and whether the public URL leads here.

    Starts no agent while a session runs, and ends the one that it starts.
    """
    if context.session:
        yield from _skip(_STEPS[:3], "the running session has its own")
        yield public_check(context)
    elif context.mode != "live":
        yield from _skip(_STEPS, UNKNOWN if context.mode == "unknown" else "offline mode needs no tunnel")
    else:
        yield from _live_checks(context)


def _live_checks(context: Context) -> Iterator[Check]:
    try:
        choice = choose_tunnel(context.settings, context.project.private)
    except NoTunnelError:  # ngrok is the usual one, and its steps say what it needs
        choice = TunnelChoice("ngrok", context.settings, context.project.private, {})
    except DevkitError as error:
        yield from (*_skip(_STEPS[:2], "first the tunnel"), refused("tunnel", error))
        yield skipped("public url", "first the tunnel")
        return
    if choice.name == "own":
        yield from _skip(_STEPS[:3], "DEVKIT_PUBLIC_URL names a tunnel of your own")
        yield _check_given_url(context)
    elif choice.name == "none":
        yield from _skip(_STEPS, "DEVKIT_TUNNEL is none: only this machine reaches a session")
    else:
        yield from _tunnel_checks(context, choice)


def _tunnel_checks(context: Context, choice: TunnelChoice) -> Iterator[Check]:
    first = _agent_checks(context, choice)
    yield from first
    why = next((f"first the {check.step}" for check in first if check.hint and check.outcome != "ok"), "")
    if left := find_orphans(context.project.private):
        why = f"first {left[0]} of a killed session: devkit restore ends it"
    yield from _skip(_STEPS[2:], why) if why else _open_tunnel(context, choice)


def _agent_checks(context: Context, choice: TunnelChoice) -> list[Check]:
    if choice.name == "ngrok":
        return [_agent(context.agent_path), _authtoken(context)]
    if choice.name == "codespaces":
        return _skip(_STEPS[:2], "a codespace needs none")
    return [_program(choice), skipped("authtoken", f"{choice.name} needs none in the settings")]


def _program(choice: TunnelChoice) -> Check:
    try:
        program = choice.program()
        if choice.name == "tailscale":
            require_login(program)
        version = first_line(run_tool(program, "--version").out)
    except DevkitError as error:
        return refused("agent", error)
    return ok("agent", f"{program}, {version}")


def _skip(steps: Iterable[str], why: str) -> list[Check]:
    return [skipped(step, why) for step in steps]


def public_check(context: Context) -> Check:
    """Whether the public URL of the session leads to its receiver."""
    if context.session is None:
        return skipped("public url", "no session runs")
    if context.session.mode == "offline":
        return skipped("public url", "an offline session has none")
    if context.session.relay and not context.session.callback_url:
        return skipped("public url", "the session follows a relay, and DEVKIT_RELAY_CALLBACK is not set")
    try:
        problem = why_unreachable(context.session.callback_url, context.stop)
    except ShutdownRequested:
        return skipped("public url", "stopped")
    if problem and context.session.relay:
        return failed(
            "public url",
            f"the relay is not reached: {problem}",
            "Ask your team: its receiver is devkit relay serve",
        )
    if problem:
        return failed(
            "public url", f"the session is not reached from outside: {problem}", "Start it again: devkit dev"
        )
    leads_to = "relay" if context.session.relay else "session"
    return ok("public url", f"{context.session.public_url} leads to the {leads_to}")


def _check_given_url(context: Context) -> Check:
    server, url, port = ProbeServer(), context.settings.public_url, context.settings.port
    try:
        given_url(url)
        with serve(server, listen("127.0.0.1", port)):
            server.wait_until_reachable(url.strip(), context.stop)
    except DevkitError as error:
        return refused("public url", error)
    except ShutdownRequested:
        return skipped("public url", "stopped")
    return ok("public url", f"{url} leads to port {port}")


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
    found = f"{path}, version {version[0]}.{version[1]}"
    if version < ENDPOINTS_API:  # devkit uses an older API with it, which ngrok may refuse
        return ok("agent", f"{found}, which is old", "If ngrok refuses it: ngrok update")
    return ok("agent", found)


def _authtoken(context: Context) -> Check:
    if context.settings.ngrok_authtoken:
        return ok("authtoken", "in NGROK_AUTHTOKEN")
    config = context.ngrok_config
    if has_saved_authtoken(config):
        return ok("authtoken", f"in {config}")
    return failed("authtoken", f"there is none, neither in NGROK_AUTHTOKEN nor in {config}", _NEW_TOKEN)


def _open_tunnel(context: Context, choice: TunnelChoice) -> list[Check]:
    server = ProbeServer()
    port = context.settings.port if choice.name == "codespaces" else 0  # its URL depends on the port
    try:
        with _session_lock(context), serve(server, listener := listen("127.0.0.1", port)):
            local_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with _opened(context, choice, local_url) as tunnel:
                opened = ok("tunnel", f"{choice.name} opens {tunnel.public_url}")
                try:
                    server.wait_until_reachable(tunnel.public_url, context.stop, choice.traits.settle)
                except DevkitError as error:
                    return [opened, refused("public url", error)]
    except CallbackHeldError:
        return _skip(_STEPS[2:], "a session is starting in this project just now")
    except ShutdownRequested:
        return _skip(_STEPS[2:], "stopped")
    except DevkitError as error:
        if context.stop():
            return _skip(_STEPS[2:], "stopped")
        return [refused("tunnel", error), skipped("public url", "first the tunnel")]
    return [opened, ok("public url", "it leads here")]


def _opened(
    context: Context, choice: TunnelChoice, local_url: str
) -> AbstractContextManager[Agent] | AbstractContextManager[Tunnel]:
    """The tunnel, opened once: a doctor doesn't wait until an obstacle clears by itself."""
    if choice.name == "codespaces":
        return choice.opener(_ignore, context.stop)(local_url)
    if choice.name != "ngrok":
        return choice.runner()(local_url, context.stop)
    options = ngrok_options(context.settings, context.project.private)
    return running_agent(options, context.agent_path, local_url, context.stop, clock=time.monotonic)


def _ignore(event: TunnelEvent) -> None:
    pass  # whether the port is public is what the check of the URL shows


@contextmanager
def _session_lock(context: Context) -> Iterator[None]:
    """Hold the project's lock, so that no session starts an agent beside the doctor's. Leaves no new directory."""
    private = context.project.private
    is_new = not private.exists()
    context.project.prepare()
    try:
        with context.project.session_lock(context.now().isoformat(timespec="seconds")):
            yield
    finally:
        with suppress(OSError):  # not empty: another process uses it by now
            if is_new and [path.name for path in private.iterdir()] == [".gitignore"]:
                (private / ".gitignore").unlink()
                private.rmdir()


_OFFLINE_TIMEOUT = 10.0  # seconds; a few hundredths are usual


def offline_checks(context: Context) -> Iterator[Check]:
    """Whether offline mode works here; only if a session would be offline and none runs."""
    if context.mode == "offline" and context.session is None:
        yield _send_offline()


def _send_offline() -> Check:
    statuses: list[str] = []
    delivered = threading.Event()

    def handle(incoming: IncomingRequest) -> int:
        receipt = read(incoming.callback)
        if incoming.kind == "receipt" and isinstance(receipt, Receipt):
            statuses.append(receipt.status)
            if receipt.status == "delivered":
                delivered.set()
        return 200

    token = secrets.token_urlsafe(16)
    try:
        with (
            serve(create_receiver(handle, TokenAccess(token)), listener := listen("127.0.0.1", 0)),
            run_simulator(SimulatorOptions(speed=math.inf)) as simulator,
        ):
            callback = f"http://127.0.0.1:{listener.getsockname()[1]}{CALLBACK_PATH}/{token}"
            credentials = Credentials(simulator.api_key, simulator.api_secret, simulator.host)
            send_sms(credentials, to=OFFLINE_RECIPIENT, sender="devkit", text="Hello", callback=callback)
            delivered.wait(_OFFLINE_TIMEOUT)
    except DevkitError as error:
        return refused("offline", error)
    if "delivered" not in statuses:
        return failed(
            "offline",
            f"a message to the simulator gave {len(statuses)} of 3 receipts",
            "Look for a firewall or a proxy between programs of this machine",
        )
    return ok("offline", f"ready: a message to the simulator gave the receipts {', '.join(statuses)}")
