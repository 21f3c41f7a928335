"""The way from outside to this machine: the agent, its authtoken, the tunnel, and the public round trip."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from devkit.doctor.case import UNKNOWN, Case
from devkit.doctor.check import Check, failed, ok, refused, skipped
from devkit.doctor.leftover import leftover_agents
from devkit.doctor.question import Ear, ask_through
from devkit.errors import CallbackHeldError, DevkitError, TunnelError
from devkit.regular_file import read_regular_file
from devkit.send.presence import absence
from devkit.server import listen, serve
from devkit.stop import StopRequested
from devkit.tunnel import NgrokOptions, given_url
from devkit.tunnel.agent import running_agent
from devkit.tunnel.binary import agent_version

_STEPS = ("agent", "authtoken", "tunnel", "public url")
_VERSION_TIMEOUT = 5.0  # seconds
_ENDPOINTS_API = (3, 30)  # devkit speaks an older API with older agents; ngrok may refuse them
_MAX_CONFIG = 1024 * 1024  # bytes
_TOKEN_LINE = re.compile(r"^[ \t]*authtoken:[ \t]*\S", re.MULTILINE)
_NEW_TOKEN = (
    "Put NGROK_AUTHTOKEN=... into .env; copy it from https://dashboard.ngrok.com/get-started/your-authtoken"
)


def way_checks(case: Case) -> Iterator[Check]:
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


def public_check(case: Case) -> Check:
    """Whether the session's receiver is reached through its public URL."""
    if case.session is None:
        return skipped("public url", "no session runs")
    if case.session.mode == "offline":
        return skipped("public url", "an offline session has none")
    try:
        wrong = absence(case.session.callback_url, case.stop)
    except StopRequested:
        return skipped("public url", "stopped")
    if wrong:
        return failed(
            "public url", f"the session is not reached from outside: {wrong}", "Start it again: make dev"
        )
    return ok("public url", f"{case.session.public_url} leads to the session")


def _of_session(case: Case) -> Iterator[Check]:
    yield from (skipped(step, "the session that runs has its own") for step in _STEPS[:3])
    yield public_check(case)


def _of_given_url(case: Case) -> Check:
    ear = Ear()
    try:
        given_url(case.settings.public_url)
        with serve(ear, listen("127.0.0.1", case.settings.port)):
            error = ask_through(case.settings.public_url.strip(), ear, case.stop)
    except DevkitError as failure:
        error = failure
    except StopRequested:
        return skipped("public url", "stopped")
    if error:
        return refused("public url", error)
    return ok("public url", f"{case.settings.public_url} leads to port {case.settings.port}")


def _of_agent(case: Case) -> Iterator[Check]:
    before = [_agent(case.agent_path), _token(case)]
    yield from before
    why = next((f"first the {check.step}" for check in before if check.outcome != "ok"), "")
    if leftover_agents(case.project.private):
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
        version = agent_version(path, timeout=_VERSION_TIMEOUT)
    except TunnelError as error:
        return refused("agent", error)
    words = f"{path}, version {version[0]}.{version[1]}"
    if version < _ENDPOINTS_API:
        return ok("agent", f"{words}, which is old", "If ngrok refuses it: ngrok update")
    return ok("agent", words)


def _token(case: Case) -> Check:
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


def _start(case: Case) -> list[Check]:
    ear, options = Ear(), _options(case)
    try:
        with _alone(case), serve(ear, listener := listen("127.0.0.1", 0)):
            local_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with running_agent(
                options, case.agent_path, local_url, stopping=case.stop, clock=time.monotonic
            ) as agent:
                opened = ok("tunnel", f"the agent starts and opens {agent.public_url}")
                error = ask_through(agent.public_url, ear, case.stop)
    except CallbackHeldError:
        return [skipped(step, "a session starts in this directory just now") for step in _STEPS[2:]]
    except StopRequested:
        return [skipped(step, "stopped") for step in _STEPS[2:]]
    except DevkitError as failure:
        if case.stop():
            return [skipped(step, "stopped") for step in _STEPS[2:]]
        return [refused("tunnel", failure), skipped("public url", "first the tunnel")]
    return [
        opened,
        refused("public url", error) if error else ok("public url", "it leads here, there and back"),
    ]


def _options(case: Case) -> NgrokOptions:
    settings = case.settings
    return NgrokOptions(case.project.private, authtoken=settings.ngrok_authtoken, url=settings.ngrok_url)


@contextmanager
def _alone(case: Case) -> Iterator[None]:
    """Have the project to oneself, as a session has: neither is to start an agent beside the other's."""
    private = case.project.private
    is_new = not private.exists()
    case.project.prepare()
    try:
        with case.project.alone(case.now().isoformat(timespec="seconds")):
            yield
    finally:
        if is_new:
            with suppress(OSError):  # not empty: somebody uses it by now
                private.rmdir()
