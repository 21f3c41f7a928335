"""The form of the page that replays a recording, and replays of several."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from devkit.errors import UsageError
from devkit.fixture.format import Fixture, load
from devkit.fixture.select import display_path
from devkit.http.address import parse_address
from devkit.http.client import Connection
from devkit.inspector.context import InspectorContext
from devkit.inspector.event_log import ReplayDone
from devkit.replay.missed import log_responses
from devkit.replay.schedule import Recording
from devkit.replay.send import Rules, attempt
from devkit.replay.transform import (
    Changes,
    ReplayRoute,
    change_recordings,
    new_nonce,
    signer_with,
    transformer,
)
from devkit.webhook.callback import TRANSPORTS, Transport
from devkit.webhook.field_meanings import flat_values, mask_value
from devkit.webhook.receipt import Webhook, webhook_in
from devkit.webhook.vocabulary import parse_transport

_TIMEOUT = 10  # seconds; a person waits for it
_MAX_SECONDS = 30  # of several replays together
_LONGEST = 2_000  # characters of a value that the form can edit


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """to: a URL, empty for the default target."""

    to: str = ""
    changes: Changes = field(default_factory=Changes)


@dataclass(frozen=True, slots=True)
class Editable:
    """A field in the replay form. value: the initial text.

    hidden: the masked number, when it is not shown; an empty input keeps it. fixed: a form cannot return it exactly.
    """

    name: str
    value: str
    hidden: str = ""
    fixed: bool = False


def editable_fields(fixture: Fixture, *, numbers: bool) -> list[Editable]:
    """The fields of a webhook for the form, also those inside objects. numbers: show phone numbers whole."""
    webhook = webhook_in(fixture.read())
    return [_editable(webhook, name, value, numbers) for name, value in flat_values(webhook)]


def _editable(webhook: Webhook, name: str, value: object, numbers: bool) -> Editable:
    text = value if isinstance(value, str) else ""
    if not isinstance(value, str) or not text.isprintable() or not name.isprintable() or len(text) > _LONGEST:
        return Editable(name, "", fixed=True)
    masked = text if numbers else mask_value(webhook, name, text)
    return Editable(name, text) if masked == text else Editable(name, "", hidden=masked)


def read_replay_request(
    values: Mapping[str, str], unsets: Sequence[str], fields: Sequence[Editable]
) -> ReplayRequest:
    """The request in a submitted form. fields: as the form showed them. Raises UsageError."""
    sets = [
        (each.name, given)
        for each in fields
        if not each.fixed
        and each.name not in unsets
        and (given := values.get(f"field.{each.name}")) is not None
        and given != each.value
    ]
    if added := values.get("new-name", "").strip():
        sets.append((added, values.get("new-value", "")))
    return ReplayRequest(
        to=values.get("to", "").strip(),
        changes=Changes(
            read_transport(values.get("as", "")),
            tuple(sets),
            tuple(unsets),
            now=bool(values.get("now")),
            resign=bool(values.get("resign")),
        ),
    )


def read_transport(text: str) -> Transport | None:
    """A transport by its name, None for an empty text. Raises UsageError."""
    if not text:
        return None
    try:
        return parse_transport(text)
    except ValueError:
        raise UsageError(
            f"No transport is called {text!r}.", hint=f"Use one of: {', '.join(TRANSPORTS)}"
        ) from None


def run_replay(context: InspectorContext, key: str, request: ReplayRequest) -> ReplayDone:
    """Replay a recording and publish the result. Raises DevkitError."""
    with _replayer(context, request) as replay_one:
        return replay_one(key)


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """unsent: how many recordings were not sent, because the target did not respond or it took too long."""

    done: tuple[ReplayDone, ...]
    unsent: int

    def count(self, outcome: str) -> int:
        return sum(each.outcome == outcome for each in self.done)


def run_replays(
    context: InspectorContext,
    keys: Sequence[str],
    request: ReplayRequest,
    timer: Callable[[], float] = time.monotonic,
) -> ReplayReport:
    """Replay recordings in this order, until the target is unreachable or time is up. Raises DevkitError."""
    done: list[ReplayDone] = []
    started = timer()
    with _replayer(context, request) as replay_one:
        for key in keys:
            if timer() - started > _MAX_SECONDS or (done and done[-1].outcome == "unreachable"):
                break
            done.append(replay_one(key))
    return ReplayReport(tuple(done), len(keys) - len(done))


@contextmanager
def _replayer(context: InspectorContext, request: ReplayRequest) -> Iterator[Callable[[str], ReplayDone]]:
    """A function that replays a recording over one connection, which is closed at the end."""
    options, changes = context.options, request.changes
    receiver = parse_address(options.receiver_url)
    # Only the default target may be on another machine.
    is_default = request.to in ("", options.default_target)
    address = (options.forward_to or receiver) if is_default else parse_address(request.to)
    # devkit's own receiver shows a replay and does not record it again.
    route = ReplayRoute(address, receiver=receiver)
    session = options.session()
    api_key = session.api_key if session else ""
    signer = signer_with(options.secret, options.method, api_key) if changes.resign else None
    transform = transformer(changes, route, signer, clock=options.clock, nonce=new_nonce)
    rules = Rules(timeout=_TIMEOUT, renewed=changes.now and changes.resign)
    # Only what the application of the session accepts is no longer missed.
    private = options.private if options.forward_to and is_default else None
    observe = log_responses(private, address.url, options.clock) if private else None

    def replay_one(key: str) -> ReplayDone:
        path = context.rows.path(key)
        fixture = load(path)
        (recording,) = change_recordings([Recording(path, fixture.recorded_at, fixture.callback)], changes)
        result = attempt(
            connection,
            transform(recording.callback),
            rules,
            file=display_path(path),
            observe=partial(observe, path) if observe else lambda received: None,
        )
        done = ReplayDone(
            file=str(path),
            to=request.to or options.default_target,
            edited=changes != Changes(),
            outcome=result.outcome,
            answer=result.answer,
            ms=result.ms,
            problem=result.problem,
            hint=result.hint,
        )
        context.event_log.publish(done)
        return done

    with Connection(address, timeout=rules.timeout) as connection:
        yield replay_one


def require_target(context: InspectorContext, to: str) -> str:
    """The target of a replay from the page; it is remembered. Raises UsageError when there is none."""
    if not to and context.options.forward_to is None:
        raise UsageError(
            "Where shall it be replayed to?",
            hint="Type the port of your application, such as 5000, or a URL of this machine.",
        )
    context.target = to or context.target
    return to
