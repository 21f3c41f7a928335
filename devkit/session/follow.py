"""Follows the relay for a project: all of `devkit follow`, and what `devkit dev --relay` has in place of a tunnel."""

import os
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from devkit.durable.lock import LockHeld, locked
from devkit.errors import CallbackHeldError, ConfigurationError
from devkit.events import Publish
from devkit.fixture.send_log import Sends
from devkit.fixture.store import Store
from devkit.receiver.recorder import Recorder
from devkit.relay.follower import Follower, Following
from devkit.relay.member import member_in_url
from devkit.relay.position import BEGINNING, PositionFile, parse_start
from devkit.relay.reader import Choice, Received, RelayReader, Selection
from devkit.relay.settings import RelaySettings, relay_settings
from devkit.relay.stream import account_name
from devkit.session.project import Project
from devkit.session.relay import opened_engine
from devkit.session.servers import forwarding
from devkit.session.settings import Settings
from devkit.session.signals import Shutdown

POSITION_FILE = "relay-position.json"  # in `.devkit/`

_now = partial(datetime.now, UTC)


@dataclass(frozen=True, slots=True)
class FollowOptions:
    """How to follow. since: as in `parse_start`; empty for the position on disk, or the beginning without one.

    skip: leave out what cannot be read. allow_plain: as in `parse_engine_url`.
    """

    relay: RelaySettings = field(repr=False)
    choice: Choice = "mine-and-unclaimed"
    since: str = ""
    skip: bool = False
    allow_plain: bool = False

    @property
    def callback_url(self) -> str:
        """The member's own callback URL; empty when the settings have none, or only the relay's."""
        return self.relay.callback_url if member_in_url(self.relay.callback_url) else ""


def follow_options(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    url: str | None = None,
    who: str | None = None,
    choice: Choice = "mine-and-unclaimed",
    since: str = "",
    skip: bool = False,
    allow_plain: bool = False,
) -> FollowOptions:
    """The options with the settings of the relay. url, who: instead of the settings. Raises ConfigurationError."""
    given = {"DEVKIT_RELAY": url, "DEVKIT_WHO": who}
    texts = {**settings.relay, **{name: text for name, text in given.items() if text is not None}}
    return FollowOptions(relay_settings(texts, environ), choice, since, skip, allow_plain)


def follow(
    settings: Settings, options: FollowOptions, project: Project, publish: Publish, stop: Shutdown
) -> None:
    """Follow until a shutdown is requested. Raises DevkitError."""
    project.prepare()
    sends = Sends(project.private)
    store = Store(settings.fixtures)
    store.prepare()
    recorder = Recorder(
        store,
        publish,
        clock=_now,
        nonce=secrets.token_hex(16),
        sends=partial(sends.find, publish=publish),
    )
    with (
        forwarding(recorder, settings, project),
        following(settings, options, project, store, recorder) as follower,
    ):
        follower.run(stop, meanwhile=partial(sends.publish_new, publish))
    publish(recorder.stopped(follower.left_out))


@contextmanager
def following(
    settings: Settings, options: FollowOptions, project: Project, store: Store, recorder: Recorder
) -> Iterator[Follower]:
    """A follower that knows what the relay keeps, for the caller to run. Closes its connections after the block.

    Raises RelayError when the relay cannot be reached, ConfigurationError, CallbackHeldError when another process
    follows it in this project.
    """
    with (
        _follower_lock(project),
        opened_engine(settings, options.relay, allow_plain=options.allow_plain) as engine,
    ):
        selection = Selection(options.relay.name(), options.choice)
        positions = PositionFile(project.private / POSITION_FILE)
        key = f"{account_name(settings.api_key)} {selection.key}"
        kept = positions.read(key) or BEGINNING
        span = engine.span()
        follower = Follower(
            _described(settings, options),
            RelayReader(
                engine,
                selection,
                options.relay.cipher,
                parse_start(options.since, _now(), span) if options.since else kept,
                options.skip,
            ),
            store,
            recorder.publish,
            partial(_publish, recorder),
            partial(positions.move, key),
        )
        follower.reach(span)
        yield follower


@contextmanager
def following_messages(
    settings: Settings, options: FollowOptions, publish: Publish
) -> Iterator[Callable[[Collection[str]], Follower]]:
    """Record the receipts of messages, also of other members', from now on. The position on disk does not move.

    Gives a function that follows the messages with these ids until the end of the block. The relay is reached before,
    so that a message that is sent meanwhile loses no receipt.
    Raises RelayError when the relay cannot be reached, ConfigurationError.
    """
    store = Store(settings.fixtures)
    store.prepare()
    with ExitStack() as stack:
        engine = stack.enter_context(opened_engine(settings, options.relay, allow_plain=options.allow_plain))
        start = parse_start(options.since or "start", _now(), engine.span())

        def follow(message_ids: Collection[str]) -> Follower:
            selection = Selection(options.relay.who, message_ids=frozenset(message_ids))
            follower = Follower(
                _described(settings, options),
                RelayReader(engine, selection, options.relay.cipher, start, options.skip),
                store,
                publish,
                lambda received, file: None,
                lambda position: None,
            )
            follower.start()
            stack.callback(follower.stop)
            return follower

        yield follow


def _described(settings: Settings, options: FollowOptions) -> Following:
    url = options.relay.engine_url(allow_plain=options.allow_plain)
    return Following(str(url), account_name(settings.api_key), options.relay.who)


def _publish(recorder: Recorder, received: Received, file: str) -> None:
    recorder.publish_relayed(received.fixture, file, received.who)


@contextmanager
def _follower_lock(project: Project) -> Iterator[None]:
    owner = f"process {os.getpid()}, since {_now().isoformat(timespec='seconds')}"
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(project.relay_lock, owner))
        except LockHeld as error:
            raise CallbackHeldError(
                f"Another devkit follows the relay in this project: {error.owner or 'it is starting'}.",
                hint="Stop it first. To wait for a message beside it: devkit wait MESSAGE-ID",
            ) from error
        except OSError as error:
            raise ConfigurationError(
                f"Cannot lock {project.relay_lock}: {error.strerror}.",
                hint="Make its directory one that you can write to, or work in another project.",
            ) from error
        yield
