"""A whole session, from the first socket to the last word: everything that opens is stacked, and closes in turn."""

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from devkit.callback import CALLBACK_PATH
from devkit.errors import ConfigurationError, VonageError
from devkit.event import Emit, Notice, Ready, Sent, Stopped, TunnelChanged
from devkit.outside import reach
from devkit.receiver import create_receiver
from devkit.recorder import Recorder
from devkit.registration import Account, Journal, former_callback, registered
from devkit.server import listen, serve
from devkit.session import Project, Session, project_in
from devkit.settings import Settings
from devkit.sms import send_sms
from devkit.stop import Stop, StopRequested
from devkit.store import Store
from devkit.tunnel import NgrokOptions, OpenTunnel, TunnelEvent, given_url, ngrok_tunnel, no_tunnel
from devkit.vonage_client import Credentials

DEMO_RECIPIENT = "447700900000"  # the simulator answers it with accepted, buffered, delivered

_THREADS = 16  # more than cores: a request mostly waits for the disk
_MAX_CALLBACK = 100  # characters; the SDK's limit for a message's own callback


@dataclass(frozen=True, slots=True)
class Choice:
    """What a session is asked to do, beyond the settings."""

    register: bool = True
    demo: bool = True
    require_signature: bool = False


@dataclass(frozen=True, slots=True)
class Platform:
    """Where receipts come from and how they get here: Vonage through a tunnel, or the simulator without one."""

    mode: Literal["live", "offline"]
    credentials: Credentials
    open_tunnel: OpenTunnel


def run(settings: Settings, choice: Choice, directory: Path, emit: Emit, stop: Stop) -> None:
    """Record receipts until it is time to stop, then put everything back. Raises DevkitError."""
    project = project_in(directory)
    project.prepare()
    store = Store(settings.fixtures)
    store.prepare()
    recorder = Recorder(
        store,
        emit,
        clock=lambda: datetime.now(UTC),
        nonce=secrets.token_hex(16),
        secret=settings.signature_secret,
        method=settings.signature_method,
        require_signature=choice.require_signature,
    )
    with ExitStack() as stack, suppress(StopRequested):
        session = _open(stack, settings, choice, project, recorder, stop)
        stack.enter_context(project.running(session))
        emit(
            Ready(
                mode=session.mode,
                public_url=session.public_url,
                callback_url=session.callback_url,
                local_url=session.local_url,
                inspector_url="",
                recorded=str(store.recorded),
                pid=session.pid,
            )
        )
        if session.mode == "offline" and choice.demo:
            _send_demo(session, choice, emit)
        stop.wait()
    emit(Stopped(recorder.recorded))


def _open(
    stack: ExitStack, settings: Settings, choice: Choice, project: Project, recorder: Recorder, stop: Stop
) -> Session:
    token = project.callback_token() if settings.callback_token is None else settings.callback_token
    listener = listen("127.0.0.1", settings.port)
    local_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    stack.enter_context(serve(create_receiver(recorder.take, token=token), listener, threads=_THREADS))
    platform = stack.enter_context(_platform(settings, project, recorder.emit, stop))
    account = Account(platform.credentials)
    # Asked first, because a wrong key is known in a second and a tunnel takes a few.
    former_url = former_callback(account, project.journal) if choice.register else ""
    stop.check()
    tunnel = stack.enter_context(platform.open_tunnel(local_url))
    callback_url = _callback_url(tunnel.public_url, token)
    stop.check()
    reach(callback_url, recorder.nonce, recorder.heard, stop)
    if choice.register:
        journal = Journal(
            host=platform.credentials.host,
            api_key=platform.credentials.api_key,
            former_url=former_url,
            our_url=callback_url,
            since=_now(),
            pid=os.getpid(),
        )
        stack.enter_context(registered(account, journal, project.journal, recorder.emit))
    simulator = platform.credentials if platform.mode == "offline" else Credentials("", "", "")
    return Session(
        pid=os.getpid(),
        started_at=_now(),
        mode=platform.mode,
        local_url=local_url,
        public_url=tunnel.public_url,
        callback_url=callback_url,
        rest_host=simulator.host,
        api_key=simulator.api_key,
        api_secret=simulator.api_secret,
    )


@contextmanager
def _platform(settings: Settings, project: Project, emit: Emit, stop: Stop) -> Iterator[Platform]:
    if settings.offline or not settings.has_credentials:
        from devkit.simulator import run_simulator

        if not settings.offline:
            emit(
                Notice(
                    "No Vonage credentials: working offline, against a simulator of Vonage on this machine."
                )
            )
        with run_simulator() as simulator:
            credentials = Credentials(simulator.api_key, simulator.api_secret, simulator.host)
            yield Platform("offline", credentials, no_tunnel())
        return
    credentials = Credentials(settings.api_key, settings.api_secret, settings.rest_host)
    if settings.public_url:
        yield Platform("live", credentials, given_url(settings.public_url))
        return
    options = NgrokOptions(
        private_dir=project.private,
        authtoken=settings.ngrok_authtoken,
        url=settings.ngrok_url,
        agent_path=Path(settings.ngrok_path) if settings.ngrok_path else None,
    )

    def notify(event: TunnelEvent) -> None:
        emit(TunnelChanged(event.state, event.public_url, event.detail))

    yield Platform("live", credentials, ngrok_tunnel(options, notify=notify, stopping=stop))


def _callback_url(public_url: str, token: str) -> str:
    url = f"{public_url}{CALLBACK_PATH}" + (f"/{token}" if token else "")
    if len(url) > _MAX_CALLBACK:
        raise ConfigurationError(
            f"The callback URL would be {len(url)} characters long; Vonage's SDK takes {_MAX_CALLBACK}.",
            hint="Use a shorter domain, or a shorter DEVKIT_CALLBACK_TOKEN.",
        )
    return url


def _send_demo(session: Session, choice: Choice, emit: Emit) -> None:
    credentials = Credentials(session.api_key, session.api_secret, session.rest_host)
    callback = "" if choice.register else session.callback_url
    try:
        ids = send_sms(
            credentials, to=DEMO_RECIPIENT, sender="devkit", text="Hello from devkit", callback=callback
        )
    except VonageError as error:
        emit(Notice(f"The demo message was not sent: {error.message}"))
    else:
        emit(Sent(ids, DEMO_RECIPIENT))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
