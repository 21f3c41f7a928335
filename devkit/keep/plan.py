"""Decides how a recording becomes a sample. Values in, values out: nothing is read or written here."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from devkit.errors import FixtureError
from devkit.fixture import Fixture, dumps, format_time
from devkit.keep.change import Unsafe, shown, typed
from devkit.keep.note import check_notes, notes
from devkit.keep.request import redact_request, redact_signature
from devkit.keep.rule import Policy
from devkit.keep.survivor import Original, find_survivor
from devkit.receipt import Receipt, Unreadable


@dataclass(frozen=True, slots=True)
class Redaction:
    """A recording without what identifies somebody. replaced: name of a field or header to method.

    originals are there to be looked for, in a file name too; no repr shows them.
    """

    fixture: Fixture
    replaced: Mapping[str, str]
    originals: tuple[Original, ...] = field(default=(), repr=False)


def plan_keep(
    fixture: Fixture, key: bytes, policy: Policy | None = None, *, name: str = "fixture"
) -> Redaction:
    """What would be kept of a recording. key: private to the project. name: how errors call the recording.

    Everything outside of the replaced values stays as it is, to the byte. Doing it twice changes nothing.
    Raises FixtureError when a field is unknown, when the request cannot be taken apart, or when a replaced
    value still stands somewhere.
    """
    policy = policy or Policy()
    try:
        redaction = _redact(fixture, policy, key)
        _require_same_meaning(fixture, redaction.fixture)
        check_notes(redaction.fixture, policy)
        require_none_survives(
            redaction.originals, _places(redaction.fixture), times=_times(redaction.fixture)
        )
    except Unsafe as unsafe:
        raise FixtureError(f"{name} cannot be kept: {unsafe}.", hint=unsafe.hint) from None
    return redaction


def require_none_survives(
    originals: Iterable[Original], places: Mapping[str, bytes], *, times: Iterable[str] = ()
) -> None:
    """Raises Unsafe when a replaced value stands in one of the places, however it is written there.

    times: that stay, see `find_survivor`.
    """
    found = find_survivor(originals, places, times=times)
    if found:
        name, place = found
        raise Unsafe(
            f"the value of {shown(name)} still stands in its {place}",
            f"Change the {place} by hand, or if the value identifies nobody: --allow-field {typed(name)}",
        )


def _redact(fixture: Fixture, policy: Policy, key: bytes) -> Redaction:
    unsigned, changes = redact_request(fixture.callback, policy, key)
    signed, signatures, verdict = redact_signature(fixture, unsigned, policy, key)
    changes += signatures
    replaced = {change.name: change.method for change in changes}
    kept = replace(fixture, callback=signed, signature=verdict, redacted={**fixture.redacted, **replaced})
    private = (
        Original(name, text.encode()) for name, text in policy.private.items() if not policy.allows(name)
    )
    return Redaction(kept, replaced, (*(each for change in changes for each in change.originals), *private))


def _require_same_meaning(before: Fixture, after: Fixture) -> None:
    """A sample is worth keeping for what it says: the same status and err-code, or the same problem."""
    if _meaning(before.read()) != _meaning(after.read()):
        raise Unsafe(
            "without what identifies somebody it no longer says the same",
            "Keep the field that matters with --allow-field and its name, if it identifies nobody",
        )


def _meaning(reading: Receipt | Unreadable) -> object:
    if isinstance(reading, Unreadable):
        return reading.problem
    return reading.status, reading.err_code, tuple(reading.fields)


def _times(fixture: Fixture) -> Iterator[str]:
    """The times of a receipt: when it was recorded, and what Vonage says."""
    yield format_time(fixture.recorded_at)
    reading = fixture.read()
    if isinstance(reading, Receipt):
        yield from (reading.text(name) for name in ("scts", "message-timestamp", "timestamp"))


def _places(fixture: Fixture) -> dict[str, bytes]:
    callback = fixture.callback
    texts = dict(notes(fixture))
    return {
        "target": callback.target.encode("latin-1"),
        "headers": "\n".join(f"{name}: {value}" for name, value in callback.headers).encode("latin-1"),
        "body": callback.body,
        **{key: text.encode("utf-8", "surrogatepass") for key, text in texts.items()},
        "file": dumps(fixture),
    }
