"""A whole session: opens its components in order on one stack, and closes them in reverse order."""

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from devkit.errors import CallbackHeldError, TunnelError
from devkit.events import Notice, Publish
from devkit.events.session import Ready, SimulatorAddress
from devkit.fixture.send_log import Sends
from devkit.fixture.store import Store
from devkit.inspector.event_log import EventLog
from devkit.receiver.recorder import Recorder
from devkit.session.platform import Demo, Platform, platform
from devkit.session.project import Project, Session, project_in
from devkit.session.reachability import check_reachable, wait_until_reachable
from devkit.session.registrations import Confirm, Registrations, numbers_notice, settings_to_register
from devkit.session.servers import application_answers, forward_url, inspecting, receiving
from devkit.session.settings import Settings
from devkit.session.signals import Shutdown, ShutdownRequested
from devkit.session.start_checks import (
    NO_MEMBER_CALLBACK,
    long_callback_warning,
    refuse_unusable,
    start_warnings,
)
from devkit.session.status_commands import StatusCommand, StatusCommands
from devkit.session.tunnel_choice import TunnelChoice, choose_tunnel, refuse_unreachable
from devkit.session.tunnel_monitor import TunnelEvents, TunnelMonitor, forward_events
from devkit.webhook.callback import CALLBACK_PATH, MAX_CALLBACK

if TYPE_CHECKING:  # only types: a session without a relay imports nothing of it
    from devkit.relay.follower import Follower
    from devkit.session.follow import FollowOptions

_now = partial(datetime.now, UTC)


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What a session does, beyond the settings.

    register: set callback URLs at Vonage; inbound: also the account's URL for inbound messages.
    demo: what an offline session shows at its start; None for nothing.
    force: take the callback over from any other session. commands: to run for receipts. relay: follow it instead of
    opening a tunnel and registering a callback; None for a session without one.
    """

    register: bool = True
    demo: Demo | None = "sms"
    require_signature: bool = False
    force: bool = False
    commands: tuple[StatusCommand, ...] = ()
    inbound: bool = False
    relay: "FollowOptions | None" = None


def run(
    settings: Settings,
    options: SessionOptions,
    directory: Path,
    publish: Publish,
    stop: Shutdown,
    confirm: Confirm,
) -> None:
    """Record receipts until a shutdown is requested, then restore everything. Raises DevkitError.

    confirm: asks the user whether to go on; False where no user can answer.
    """
    refuse_unusable(settings, require_signature=options.require_signature)
    project = project_in(directory)
    has_relay = options.relay is not None
    warnings = list(start_warnings(settings, project, demo=options.demo, has_relay=has_relay))
    project.prepare()
    sends = Sends(project.private)
    event_log = EventLog(_now, then=sends.remembering(publish, _now), earlier_sends=sends.earlier)
    commands = StatusCommands(options.commands, event_log.publish, Path())  # where they were typed
    store = Store(settings.fixtures)
    store.prepare()
    recorder = Recorder(
        store,
        commands.publish if options.commands else event_log.publish,
        clock=_now,
        nonce=secrets.token_hex(16),
        secret=settings.signature_secret,
        method=settings.signature_method,
        require_signature=options.require_signature,
        sends=partial(sends.find, publish=event_log.publish),
        # Offline, the simulator sends only what was asked for.
        expects_messages=bool(settings.application_id) or (not has_relay and settings.is_offline),
    )
    token = project.callback_token(settings.callback_token)
    start = _Start(settings, options, project, store, recorder, event_log, stop, confirm, token)
    for text in warnings:
        event_log.publish(Notice(text))
    with ExitStack() as stack, _ended_by(stop):
        stack.enter_context(project.session_lock(_now_text(), force=options.force))
        stack.enter_context(commands)
        start.open(stack).run(stop, meanwhile=partial(sends.publish_new, event_log.publish))
    event_log.publish(recorder.stopped())


@contextmanager
def _ended_by(stop: Shutdown) -> Iterator[None]:
    try:
        yield
    except ShutdownRequested:
        pass
    except TunnelError:  # also raised by a tunnel that is stopped while it opens
        if not stop():
            raise


@dataclass(frozen=True, slots=True)
class _Start:
    """The start of a session, with all that its steps share. token: the last part of the callback path, or empty."""

    settings: Settings
    options: SessionOptions
    project: Project
    store: Store
    recorder: Recorder
    event_log: EventLog
    stop: Shutdown
    confirm: Confirm
    token: str = field(repr=False)

    @property
    def publish(self) -> Publish:
        return self.recorder.publish

    def open(self, stack: ExitStack) -> "TunnelMonitor | Follower":
        """Open everything, in the order of docs/architecture.md; what it returns remains to be run."""
        settings, project = self.settings, self.project
        choice = self._choose_tunnel()
        separate = choice is not None and choice.needs_local_port
        receiver = stack.enter_context(
            receiving(self.recorder, settings, project, self.token, separate=separate)
        )
        inspector_url = stack.enter_context(
            inspecting(self.store, self.event_log, settings, project, receiver.local, self.stop)
        )
        session = Session(
            os.getpid(),
            _now_text(),
            mode="live",
            local_url=receiver.local,
            public_url="",
            callback_url="",
            forward_url=forward_url(settings),
            inspector_url=inspector_url,
        )
        if self.options.relay:
            return self._open_relay(stack, session, self.options.relay)
        return self._open_platform(stack, session, receiver.tunnel, choice)

    def _choose_tunnel(self) -> TunnelChoice | None:
        """The tunnel of a live session; None offline and with a relay. Raises DevkitError."""
        if self.options.relay or self.settings.is_offline:
            return None
        choice = choose_tunnel(self.settings, self.project.private)
        refuse_unreachable(choice, register=self.options.register)
        if choice.notice:
            self.publish(Notice(choice.notice))
        return choice

    def _open_relay(self, stack: ExitStack, session: Session, options: "FollowOptions") -> "Follower":
        """Reach the relay. It has the callback URL; our receiver takes what this machine triggers and replays."""
        from devkit.session.follow import following  # here: few sessions have one

        follower = stack.enter_context(
            following(self.settings, options, self.project, self.store, self.recorder)
        )
        url = urlsplit(options.callback_url)
        session = replace(
            session,
            public_url=f"{url.scheme}://{url.netloc}" if url.netloc else "",
            callback_url=options.callback_url,
            relay=follower.following.relay,
            who=follower.following.who,
        )
        stack.enter_context(self.project.session_file(session))
        if not options.callback_url:
            self.publish(Notice(NO_MEMBER_CALLBACK))
        self._announce(session)
        return follower

    def _open_platform(
        self, stack: ExitStack, session: Session, tunnel_target: str, choice: TunnelChoice | None
    ) -> TunnelMonitor:
        """Open the platform and the tunnel, and register the callback. tunnel_target: where the tunnel leads to."""
        recorder, stop = self.recorder, self.stop
        events: TunnelEvents = SimpleQueue()
        notify = forward_events(self.publish, events)
        source = stack.enter_context(
            platform(self.settings, self.project, choice, self.publish, stop, notify, self.options.demo)
        )
        recorder.secret = recorder.secret or source.signature_secret
        registrations = self._registrations(source)
        registrations.check()  # first, because a wrong key is known in a second, and a tunnel takes a few
        registrations.report_unrestored()
        stop.check()
        public_url = stack.enter_context(source.open_tunnel(tunnel_target)).public_url
        callback_url = self._callback_url(public_url)
        if len(callback_url) > MAX_CALLBACK:
            self.publish(Notice(long_callback_warning(callback_url, register=self.options.register)))
        stop.check()
        wait_until_reachable(callback_url, recorder.nonce, recorder.reached, stop, timeout=source.settle)
        stop.check()
        registered = registrations.register(stack, callback_url, _now_text())
        if source.application_id and registered:
            self.publish(numbers_notice(source.credentials, source.application_id))
        session = replace(
            session,
            mode=source.mode,
            public_url=public_url,
            callback_url=callback_url,
            is_registered=bool(registered),
        )
        if at := source.simulator:
            session = replace(session, rest_host=at.host, api_key=at.api_key, api_secret=at.api_secret)
            session = replace(session, application_id=at.application_id, private_key=at.private_key)
        update_session = stack.enter_context(self.project.session_file(session))
        self._announce(session, source.simulator)
        if source.send_demo:
            source.send_demo("" if self.options.register else callback_url)

        def check(public_url: str) -> str:
            return check_reachable(self._callback_url(public_url), recorder.nonce, recorder.reached, stop)

        def follow(public_url: str) -> None:
            callback_url = self._callback_url(public_url)
            for registration in registered:
                registration.move(callback_url)
            update_session(replace(session, public_url=public_url, callback_url=callback_url))

        return TunnelMonitor(
            public_url, events, self.publish, check=check, follow=follow, interval=source.check_interval
        )

    def _callback_url(self, public_url: str) -> str:
        """The URL that Vonage shall send receipts to."""
        return f"{public_url}{CALLBACK_PATH}" + (f"/{self.token}" if self.token else "")

    def _registrations(self, source: Platform) -> Registrations:
        def confirm_takeover(text: str) -> None:
            question = f"{text} Take it over, and restore it at the end?"
            if not (self.options.force or self.confirm(question)):
                raise CallbackHeldError(
                    text, hint="Take it over: devkit dev --force. Or leave it: devkit dev --no-register"
                )
            self.publish(Notice(f"{text} It is replaced while this session runs, and restored at its end."))
            self.stop.check()

        options = self.options
        settings = (
            settings_to_register(
                source.credentials,
                inbound=options.inbound or source.inbound,
                application_id=source.application_id,
            )
            if options.register
            else []
        )
        return Registrations(settings, source.journal, self.publish, confirm_takeover)

    def _announce(self, session: Session, simulator: SimulatorAddress | None = None) -> None:
        self.publish(
            Ready(
                mode=session.mode,
                public_url=session.public_url,
                callback_url=session.callback_url,
                local_url=session.local_url,
                inspector_url=session.inspector_url,
                recorded=str(self.store.recorded),
                pid=session.pid,
                simulator=simulator,
                forward_url=session.forward_url,
                forward_answers=application_answers(self.settings, self.publish),
                relay=session.relay,
                who=session.who,
            )
        )


def _now_text() -> str:
    return _now().isoformat(timespec="seconds")
