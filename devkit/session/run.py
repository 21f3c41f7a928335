"""A whole session, from the first socket to the last word: everything that opens is stacked, and closes in turn."""

import os
import secrets
import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue

from devkit.errors import CallbackHeldError, ConfigurationError, TunnelError
from devkit.events import Event, Notice, Publish
from devkit.events.session import Ready, Stopped
from devkit.fixture.git import tracked_files
from devkit.fixture.store import Store
from devkit.inspector.event_log import EventLog
from devkit.receiver.recorder import Recorder
from devkit.session.platform import Platform, platform
from devkit.session.project import Project, Session, project_in
from devkit.session.reachability import check_again, wait_until_reachable
from devkit.session.send import send_demo
from devkit.session.servers import inspecting, receiving
from devkit.session.settings import Settings
from devkit.session.signals import Shutdown, ShutdownRequested
from devkit.session.tunnel_monitor import TunnelEvents, TunnelMonitor, forward_events
from devkit.vonage.account import CallbackSetting
from devkit.vonage.client import Credentials
from devkit.vonage.journal import Journal, refuse_foreign_journal
from devkit.vonage.registration import Registration, registered
from devkit.webhook.callback import CALLBACK_PATH

_MAX_CALLBACK = 100  # characters; the SDK's limit for a message's own callback

Confirm = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What a session is asked to do, beyond the settings. force: take the callback over, whoever holds it."""

    register: bool = True
    demo: bool = True
    require_signature: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the steps of a session share. token: the last segment of the callback path, or empty."""

    settings: Settings
    choice: SessionOptions
    project: Project
    recorder: Recorder
    event_log: EventLog
    stop: Shutdown
    confirm: Confirm
    token: str = field(repr=False)

    @property
    def publish(self) -> Publish:
        return self.recorder.publish

    def callback_url(self, public_url: str) -> str:
        """Where Vonage is to send receipts. Raises ConfigurationError."""
        url = f"{public_url}{CALLBACK_PATH}" + (f"/{self.token}" if self.token else "")
        if len(url) > _MAX_CALLBACK:
            raise ConfigurationError(
                f"The callback URL would be {len(url)} characters long; Vonage's SDK takes {_MAX_CALLBACK}.",
                hint="Use a shorter domain, or a shorter DEVKIT_CALLBACK_TOKEN.",
            )
        return url


def run(
    settings: Settings,
    choice: SessionOptions,
    directory: Path,
    publish: Publish,
    stop: Shutdown,
    confirm: Confirm,
) -> None:
    """Record receipts until it is time to stop, then put everything back. Raises DevkitError.

    confirm: asks the user whether to go on; no is the answer where there is nobody to ask.
    """
    if choice.require_signature and not settings.signature_secret:
        raise ConfigurationError(
            "--require-signature needs a secret to check signatures with.",
            hint="Set VONAGE_SIGNATURE_SECRET in .env, or leave the option out.",
        )
    project = project_in(directory)
    project.prepare()
    event_log = EventLog(clock=_now)

    def tell(event: Event) -> None:
        event_log.publish(event)
        publish(event)

    store = Store(settings.fixtures)
    store.prepare()
    recorder = Recorder(
        store,
        tell,
        clock=_now,
        nonce=secrets.token_hex(16),
        secret=settings.signature_secret,
        method=settings.signature_method,
        require_signature=choice.require_signature,
    )
    token = project.callback_token() if settings.callback_token is None else settings.callback_token
    parts = _Parts(settings, choice, project, recorder, event_log, stop, confirm, token)
    if warning := _tracked_by_git(project):
        tell(Notice(warning))
    with ExitStack() as stack, _ended_by(stop):
        stack.enter_context(project.alone(_now_text(), force=choice.force))
        _open(stack, parts).run(stop)
    tell(Stopped(recorder.recorded))


def _tracked_by_git(project: Project) -> str:
    """What to say about private files that would be pushed; nothing when there are none, or git does not say."""
    with suppress(ConfigurationError):
        if files := tracked_files(project.private):
            place = shlex.quote(str(project.private))
            return (
                f"git tracks {len(files)} file(s) in {project.private}, where secrets are. "
                f"Take them out: git rm -r --cached {place}"
            )
    return ""


@contextmanager
def _ended_by(stop: Shutdown) -> Iterator[None]:
    try:
        yield
    except ShutdownRequested:
        pass
    except TunnelError:  # a tunnel that is stopped while it opens knows no other way to say so
        if not stop():
            raise


def _open(stack: ExitStack, parts: _Parts) -> TunnelMonitor:
    """Everything, in the order of the architecture; what is left to do is to keep an eye on it."""
    settings, project = parts.settings, parts.project
    local_url = stack.enter_context(receiving(parts.recorder, settings, parts.token))
    inspector_url = stack.enter_context(
        inspecting(parts.recorder.store, parts.event_log, settings, project, local_url)
    )
    events: TunnelEvents = SimpleQueue()
    notify = forward_events(parts.publish, events)
    source = stack.enter_context(platform(settings, project, parts.publish, parts.stop, notify))
    if parts.choice.register:
        # Asked first, because a wrong key is known in a second and a tunnel takes a few.
        account = CallbackSetting(source.credentials)
        account.read_callback()
        refuse_foreign_journal(account, source.journal)
    parts.stop.check()
    public_url = stack.enter_context(source.open_tunnel(local_url)).public_url
    callback_url = parts.callback_url(public_url)
    parts.stop.check()
    wait_until_reachable(callback_url, parts.recorder.nonce, parts.recorder.heard, parts.stop)
    registration = _register(stack, parts, source, callback_url) if parts.choice.register else None
    session = _session(source, local_url, public_url, callback_url)
    describe = stack.enter_context(project.running(session))
    _announce(session, inspector_url, source, parts)

    def check(public_url: str) -> str:
        return check_again(
            parts.callback_url(public_url), parts.recorder.nonce, parts.recorder.heard, parts.stop
        )

    def follow(public_url: str) -> None:
        callback_url = parts.callback_url(public_url)
        if registration:
            registration.move(callback_url)
        describe(replace(session, public_url=public_url, callback_url=callback_url))

    return TunnelMonitor(
        public_url, events, parts.publish, check=check, follow=follow, interval=source.ask_every
    )


def _register(stack: ExitStack, parts: _Parts, source: Platform, callback_url: str) -> Registration:
    account = CallbackSetting(source.credentials)
    host, api_key = account.identity
    draft = Journal(host, api_key, "", callback_url, _now_text(), os.getpid())

    def agree(words: str) -> None:
        if not (parts.choice.force or parts.confirm(f"{words} Take it over, and give it back at the end?")):
            raise CallbackHeldError(
                words, hint="Take it over: devkit dev --force. Or leave it: devkit dev --no-register"
            )
        parts.publish(Notice(f"{words} It is replaced while this session runs, and given back at its end."))
        parts.stop.check()

    parts.stop.check()
    return stack.enter_context(registered(account, draft, source.journal, parts.publish, agree))


def _session(source: Platform, local_url: str, public_url: str, callback_url: str) -> Session:
    simulator = source.credentials if source.mode == "offline" else Credentials("", "", "")
    return Session(
        pid=os.getpid(),
        started_at=_now_text(),
        mode=source.mode,
        local_url=local_url,
        public_url=public_url,
        callback_url=callback_url,
        rest_host=simulator.host,
        api_key=simulator.api_key,
        api_secret=simulator.api_secret,
    )


def _announce(session: Session, inspector_url: str, source: Platform, parts: _Parts) -> None:
    parts.publish(
        Ready(
            mode=session.mode,
            public_url=session.public_url,
            callback_url=session.callback_url,
            local_url=session.local_url,
            inspector_url=inspector_url,
            recorded=str(parts.recorder.store.recorded),
            pid=session.pid,
            simulator=source.simulator,
        )
    )
    if session.mode == "offline" and parts.choice.demo:
        simulator = Credentials(session.api_key, session.api_secret, session.rest_host)
        send_demo(simulator, "" if parts.choice.register else session.callback_url, parts.publish)


def _now() -> datetime:
    return datetime.now(UTC)


def _now_text() -> str:
    return _now().isoformat(timespec="seconds")
