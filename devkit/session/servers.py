"""What a session opens on this machine: the receiver, with forwarding behind it, and the inspector."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from devkit.errors import ConfigurationError
from devkit.fixture.redaction.policy import Policy
from devkit.fixture.store import Store
from devkit.http.address import Address, is_same_local_server, parse_address
from devkit.http.server import listen
from devkit.inspector.app import create_inspector, serve_inspector
from devkit.inspector.context import Options
from devkit.inspector.event_log import EventLog
from devkit.inspector.replay_form import SampleOptions
from devkit.receiver.app import serve_receiver
from devkit.receiver.forward import forwarding
from devkit.receiver.recorder import Recorder
from devkit.session.project import Project, load_key, private_values
from devkit.session.settings import Settings

_HOST = "127.0.0.1"  # a tunnel's agent is on this machine too; nobody else has business here


@contextmanager
def receiving(recorder: Recorder, settings: Settings, token: str) -> Iterator[str]:
    """The receiver listens while the block runs, and forwards when the settings say where to; gives its URL.

    Raises ConfigurationError for a port that cannot be had, UsageError for a forward address that is none.
    """
    with ExitStack() as stack:
        listening = listen(_HOST, settings.port)
        stack.callback(listening.close)
        if address := _forward_address(settings):
            _refuse_own_port(address, listening)
            recorder.forward = stack.enter_context(forwarding(address, recorder.publish)).offer
        stack.enter_context(serve_receiver(recorder.handle_batch, listening, token=token))
        yield _url(listening)


@contextmanager
def inspecting(
    store: Store, event_log: EventLog, settings: Settings, project: Project, receiver_url: str
) -> Iterator[str]:
    """The inspector is served while the block runs; gives its URL. Errors as `receiving`."""
    secret, method = settings.signature_secret, settings.signature_method
    policy = Policy(secret=secret, method=method, private=private_values(settings, project))
    options = Options(
        secret=secret,
        method=method,
        receiver_url=receiver_url,
        forward_to=_forward_address(settings),
        samples=SampleOptions(lambda: load_key(project), store.samples, policy),
    )
    listening = listen(_HOST, settings.inspector_port, option="--inspector-port")
    with serve_inspector(create_inspector(store, event_log, options), event_log, listening):
        yield _url(listening)


def _forward_address(settings: Settings) -> Address | None:
    return parse_address(settings.forward_to) if settings.forward_to else None


def _refuse_own_port(address: Address, listening: socket.socket) -> None:
    if is_same_local_server(address, parse_address(_url(listening))):
        raise ConfigurationError(
            f"Receipts cannot be forwarded to {address}: that is devkit's own receiver.",
            hint="Name your application's address with --forward-to, or choose another port with --port.",
        )


def _url(listening: socket.socket) -> str:
    return f"http://{_HOST}:{listening.getsockname()[1]}"
