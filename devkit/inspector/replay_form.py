"""The forms of the page: replay a recording, or keep it as a sample."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devkit.errors import UsageError
from devkit.fixture.format import Fixture, load
from devkit.fixture.redaction.plan import Redaction, Sample, assign, describe, plan_keep, write
from devkit.fixture.select import display_path
from devkit.http.address import is_same_local_server, parse_address
from devkit.http.client import Connection
from devkit.inspector.context import InspectorContext, Options, SampleOptions
from devkit.inspector.event_log import ReplayDone
from devkit.replay.schedule import Recording
from devkit.replay.send import Replayed, Rules, attempt
from devkit.replay.transform import Changes, ReplayRoute, change_recordings, signer_with, transformer
from devkit.webhook.callback import TRANSPORTS, Transport
from devkit.webhook.masking import mask_field
from devkit.webhook.receipt import receipt_in
from devkit.webhook.vocabulary import parse_transport

_TIMEOUT = 10  # seconds; a person waits for it
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
    """The fields of a receipt for the form. numbers: show phone numbers whole."""
    return [_editable(name, value, numbers) for name, value in receipt_in(fixture.read()).fields.items()]


def _editable(name: str, value: object, numbers: bool) -> Editable:
    text = value if isinstance(value, str) else ""
    if not isinstance(value, str) or not text.isprintable() or not name.isprintable() or len(text) > _LONGEST:
        return Editable(name, "", fixed=True)
    masked = text if numbers else mask_field(name, text)
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
    path = context.rows.path(key)
    result = _send(path, request, context.options)
    done = ReplayDone(
        file=str(path),
        to=request.to or context.options.default_target,
        edited=request.changes != Changes(),
        outcome=result.outcome,
        answer=result.answer,
        ms=result.ms,
        problem=result.problem,
        hint=result.hint,
    )
    context.event_log.publish(done)
    return done


def _send(path: Path, request: ReplayRequest, options: Options) -> Replayed:
    receiver = parse_address(options.receiver_url)
    default = options.forward_to or receiver
    # Only the default target may be on another machine.
    address = default if request.to in ("", default.url) else parse_address(request.to)
    fixture, changes = load(path), request.changes
    (recording,) = change_recordings([Recording(path, fixture.recorded_at, fixture.callback)], changes)
    # devkit's own receiver shows a replay and does not record it again.
    route = ReplayRoute(address, own_receiver=is_same_local_server(address, receiver))
    signer = signer_with(options.secret, options.method) if changes.resign else None
    transform = transformer(changes, route, signer, clock=options.clock, nonce=lambda: str(uuid.uuid4()))
    rules = Rules(timeout=_TIMEOUT, renewed=changes.now and changes.resign)
    with Connection(address, timeout=rules.timeout) as connection:
        return attempt(connection, transform(recording.callback), rules, file=display_path(path))


# The methods of `plan_keep`, in words.
_METHODS = {
    "number": "a number that is assigned to nobody; equal numbers stay equal",
    "sender": "another number; a sender's name stays",
    "pseudonym": "a value of the same form; equal values stay equal",
    "example": "an example",
}


@dataclass(frozen=True, slots=True)
class ShownReplacement:
    """A field or header that differs in the sample. after: its value there, empty for a header."""

    name: str
    how: str
    after: str


@dataclass(frozen=True, slots=True)
class Preview:
    """A sample before it is written. name: a suggestion."""

    name: str
    replacements: tuple[ShownReplacement, ...]


def preview(options: SampleOptions, path: Path) -> Preview:
    """What a sample of this recording replaces. Writes only the key, if it is missing. Raises DevkitError."""
    redaction = _plan(options, path)
    after = receipt_in(redaction.fixture.read())
    replacements = (
        ShownReplacement(name, _METHODS.get(method, method), after.text(name))
        for name, method in redaction.replaced.items()
    )
    return Preview(describe(redaction.fixture), tuple(replacements))


def keep(options: SampleOptions, path: Path, name: str) -> Sample:
    """Write the sample. Raises DevkitError."""
    (sample,) = assign([_plan(options, path)], options.directory, name)
    write([sample])
    return sample


def _plan(options: SampleOptions, path: Path) -> Redaction:
    return plan_keep(load(path), options.key(), options.policy, name=display_path(path))
