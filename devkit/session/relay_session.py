"""The part of a session that differs with a relay: it follows it, and needs no tunnel and no registration."""

import os
from contextlib import ExitStack
from datetime import UTC, datetime
from urllib.parse import urlsplit

from devkit.events import Notice
from devkit.events.session import Ready
from devkit.fixture.store import Store
from devkit.receiver.recorder import Recorder
from devkit.relay.follower import Follower
from devkit.session.components import application_answers, forward_url
from devkit.session.follow import FollowOptions, following
from devkit.session.project import Project, Session
from devkit.session.settings import Settings

_NO_CALLBACK = (
    "DEVKIT_RELAY_CALLBACK is not set, so your messages are yours by their client-ref only. "
    "Ask your team for your callback URL: devkit relay member NAME"
)


def open_relay(
    stack: ExitStack,
    settings: Settings,
    options: FollowOptions,
    project: Project,
    store: Store,
    recorder: Recorder,
    *,
    local_url: str,
    inspector_url: str,
) -> Follower:
    """Reach the relay, describe the session for other commands, and say that it is ready; the follower remains to run.

    The session's receiver takes what is triggered and replayed on this machine. Raises as `following`.
    """
    follower = stack.enter_context(following(settings, options, project, store, recorder))
    callback_url = options.callback_url
    session = Session(
        os.getpid(),
        datetime.now(UTC).isoformat(timespec="seconds"),
        "live",
        local_url,
        _origin(callback_url),
        callback_url,
        forward_url=forward_url(settings),
        inspector_url=inspector_url,
        relay=follower.following.relay,
        who=follower.following.who,
    )
    stack.enter_context(project.session_file(session))
    if not callback_url:
        recorder.publish(Notice(_NO_CALLBACK))
    recorder.publish(
        Ready(
            mode=session.mode,
            public_url=session.public_url,
            callback_url=callback_url,
            local_url=local_url,
            inspector_url=inspector_url,
            recorded=str(store.recorded),
            pid=session.pid,
            forward_url=session.forward_url,
            forward_answers=application_answers(settings, recorder.publish),
            relay=session.relay,
            who=session.who,
        )
    )
    return follower


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if url else ""
