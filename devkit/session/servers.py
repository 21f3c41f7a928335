"""The servers of a session, each a context manager: the receiver, with what forwards receipts, and the inspector."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from devkit.errors import ConfigurationError, PushError, UsageError
from devkit.events import Notice, Publish
from devkit.fixture.response_log import ResponseLog
from devkit.fixture.store import Store
from devkit.http.address import Address, is_same_local_server, parse_address, why_not_allowed
from devkit.http.client import connect
from devkit.http.server import listen
from devkit.inspector.app import create_inspector, serve_inspector
from devkit.inspector.context import Options, SampleOptions, SessionFacts
from devkit.inspector.event_log import EventLog
from devkit.receiver.app import TokenAccess, serve_receiver
from devkit.receiver.forward import Forwarder
from devkit.receiver.recorder import Recorder
from devkit.session.project import Project, redaction_policy
from devkit.session.send import send_to_session
from devkit.session.settings import Settings

_HOST = "127.0.0.1"  # the tunnel's agent runs on this machine too; no other machine needs access
_CONNECT_TIMEOUT = 1.0  # seconds; the application is on this machine


@dataclass(frozen=True, slots=True)
class ReceiverUrls:
    """Where the receiver is. local: for programs on this machine. tunnel: where the tunnel leads to."""

    local: str
    tunnel: str


@contextmanager
def receiving(
    recorder: Recorder, settings: Settings, project: Project, token: str, *, separate: bool = False
) -> Iterator[ReceiverUrls]:
    """Serve the receiver while the block runs, and forward receipts if the settings say where to; gives its URLs.

    separate: programs on this machine get a port of their own, because the tunnel does not show which requests came
    through it.
    Raises ConfigurationError for a port that cannot be used, UsageError for a forward address that is none of this
    machine.
    """
    with ExitStack() as stack:
        address = stack.enter_context(forwarding(recorder, settings, project))
        listening = listen(_HOST, settings.port)
        stack.callback(listening.close)
        if address:
            _refuse_own_port(address, listening)
        stack.enter_context(
            serve_receiver(recorder.handle_batch, listening, TokenAccess(token, not separate))
        )
        local = listening
        if separate:
            stack.callback((local := listen(_HOST, 0)).close)
            stack.enter_context(serve_receiver(recorder.handle_batch, local, TokenAccess(token)))
        yield ReceiverUrls(_url(local), _url(listening))


@contextmanager
def forwarding(recorder: Recorder, settings: Settings, project: Project) -> Iterator[Address | None]:
    """Forward what is recorded while the block runs, if the settings say where to; gives that address.

    Raises UsageError as `receiving`.
    """
    if not (address := _forward_address(settings)):
        yield None
        return
    _refuse_remote(address)
    with Forwarder(
        address, recorder.publish, ResponseLog(project.private, address.url, recorder.clock)
    ) as forwarder:
        recorder.forward = forwarder.offer
        yield address


@contextmanager
def inspecting(
    store: Store,
    event_log: EventLog,
    settings: Settings,
    project: Project,
    receiver_url: str,
    stopping: Callable[[], bool],
) -> Iterator[str]:
    """Serve the inspector while the block runs; gives its URL. Errors as `receiving`."""
    options = Options(
        secret=settings.signature_secret,
        method=settings.signature_method,
        receiver_url=receiver_url,
        forward_to=_forward_address(settings),
        private=project.private,
        samples=SampleOptions(store.samples, partial(redaction_policy, settings, project)),
        stopping=stopping,
        session=partial(_session_facts, settings, project),
    )
    listening = listen(_HOST, settings.inspector_port, option="--inspector-port")
    with serve_inspector(create_inspector(store, event_log, options), event_log, listening):
        yield _url(listening)


def _session_facts(settings: Settings, project: Project) -> SessionFacts | None:
    session = project.session()
    if session is None:
        return None
    return SessionFacts(
        mode=session.mode,
        started_at=session.started_at,
        public_url=session.public_url,
        callback_url=session.callback_url,
        api_key=session.api_key or settings.api_key,
        send=partial(send_to_session, settings, session),
        application_id=settings.application_id,
    )


def forward_url(settings: Settings) -> str:
    """The URL that receipts are forwarded to; empty when they are not."""
    address = _forward_address(settings)
    return address.url if address else ""


def application_answers(settings: Settings, publish: Publish) -> bool | None:
    """Whether the application takes connections now; None when receipts are not forwarded."""
    if not (address := _forward_address(settings)):
        return None
    try:
        connect(address, _CONNECT_TIMEOUT).close()
    except PushError as error:
        if address.scheme == "https":  # it may answer, but without TLS, or its certificate is not accepted
            publish(Notice(error.message))
        return False
    return True


def _forward_address(settings: Settings) -> Address | None:
    if not settings.forward_to:
        return None
    return parse_address(settings.forward_to, allow_private=settings.forward_private)


def _refuse_remote(address: Address) -> None:
    if reason := why_not_allowed(address):
        raise UsageError(
            f"Receipts cannot be forwarded to {address}: {reason}.",
            hint="Forward to this machine: --forward-to 5000. "
            "To another container, if all its addresses are private: DEVKIT_FORWARD_PRIVATE=1. "
            "To send recordings elsewhere: devkit replay latest --to URL --allow-remote",
        )


def _refuse_own_port(address: Address, listening: socket.socket) -> None:
    if is_same_local_server(address, parse_address(_url(listening))):
        raise ConfigurationError(
            f"Receipts cannot be forwarded to {address}: that is devkit's own receiver.",
            hint="Name your application's address with --forward-to, or choose another port with --port.",
        )


def _url(listening: socket.socket) -> str:
    return f"http://{_HOST}:{listening.getsockname()[1]}"
