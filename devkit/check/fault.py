"""What is wrong in a fixture file, and on which line.

The loader is the one judge. The JSON Schema in `schema/` says the same to editors and to other languages; it is
not used here, because a validator for it would bring five more packages, one of them compiled, and a second
opinion that can differ from the first. The tests hold the two together.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from devkit.check.place import Place, Where, places
from devkit.errors import FixtureError
from devkit.fixture import FORMAT, VERSION, Fixture, dumps, loads

_DERIVED = ("receipt", "problem")
_MAX_FAULTS = 20  # of one file; somebody who has mended twenty can ask again
_MAX_TRIED = 50  # parts of one value, each of which has the whole file read again

_SOUND_REQUEST = {"method": "GET", "target": "/", "headers": [], "body": {"text": ""}}
_SOUND: dict[Where, object] = {
    ("format",): FORMAT,
    ("version",): VERSION,
    ("recorded_at",): "2026-01-01T00:00:00Z",
    ("request",): _SOUND_REQUEST,
    **{("request", key): value for key, value in _SOUND_REQUEST.items()},
    ("request", "headers", 0): ["Host", "example.com"],
    ("request", "headers", 0, 0): "Host",
    ("request", "body", "text"): "",
    ("request", "body", "base64"): "",
    ("redacted",): {},
    ("tags",): [],
    ("tags", 0): "",
    ("captured",): "",
    ("note",): "",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong. line: from 1. stale: only a derived copy is wrong, so that the file can be rewritten."""

    line: int
    what: str
    stale: bool = False


def faults_in(data: bytes) -> list[Fault]:
    """What is wrong with a file's bytes, first line first; nothing when they are a sound fixture."""
    try:
        return _stale(data, loads(data, ""))
    except FixtureError as error:
        said = _words(error)
    try:
        text = data.decode("utf-8-sig")
        json.loads(text, parse_int=str)
    except UnicodeDecodeError as error:
        return [Fault(data.count(b"\n", 0, error.start) + 1, said)]
    except json.JSONDecodeError as error:
        return [Fault(error.lineno, said)]
    except RecursionError:
        return [Fault(1, said)]
    return sorted(_refused(text, said), key=lambda fault: fault.line)


def _refusal(text: str) -> str | None:
    """What the loader has against a file's text; None when it takes it."""
    try:
        loads(text.encode("utf-8"), "")
    except FixtureError as error:
        return _words(error)
    return None


def _words(error: FixtureError) -> str:
    return error.message.removeprefix(": ")  # what is left in front when the file has no name


def _refused(text: str, said: str | None) -> Iterator[Fault]:
    told: set[Where] = set()
    while said is not None and len(told) < _MAX_FAULTS:
        culprit = _culprit(text, said)
        if culprit.where in told:  # mending it was no help, so what else is wrong cannot be seen
            return
        yield Fault(culprit.line, said)
        told.add(culprit.where)
        text = _mended(text, [culprit])
        said = _refusal(text)


def _culprit(text: str, said: str) -> Place:
    """The innermost value that the loader means: it is refused even when all that stands beside it is mended.

    So each rule stands in the loader alone, and whatever the loader refuses has a line.
    """
    every = places(text)
    found = every[0]
    while True:
        parts = [place for place in every if place.where and place.where[:-1] == found.where]
        guilty = _guilty(text, parts, said)
        if guilty is None:
            return _repeated(parts) or found
        found = guilty


def _guilty(text: str, parts: list[Place], said: str) -> Place | None:
    """The part that is to blame; None when it is the whole: a part is missing, or is there twice."""
    if not parts or _refusal(_mended(text, parts)) == said:
        return None
    first, end = _narrowed(text, parts, said)
    mended = ((parts[place], [*parts[:place], *parts[place + 1 :]]) for place in range(first, end))
    refusals = ((part, _refusal(_mended(text, others))) for part, others in mended)
    blamed = [(part, refusal) for part, refusal in refusals if refusal is not None]
    # The words may name a neighbour, and so change when that is mended.
    return next((part for part, refusal in blamed if refusal == said), blamed[0][0] if blamed else None)


def _narrowed(text: str, parts: list[Place], said: str) -> tuple[int, int]:
    """Which parts to try, the first and the one after the last: of many, the one that halving leads to."""
    first, end = 0, len(parts)
    while len(parts) > _MAX_TRIED and end - first > 1:
        middle = (first + end) // 2
        halves = (first, middle), (middle, end)
        refusals = [_refusal(_mended(text, [*parts[:left], *parts[right:]])) for left, right in halves]
        # The words may name a neighbour here too; then the first half that is refused will do.
        guilty = refusals.index(said) if said in refusals else int(refusals[0] is None)
        first, end = halves[guilty]
    return first, end


def _repeated(parts: list[Place]) -> Place | None:
    seen: set[Where] = set()
    for part in parts:
        if part.where in seen:
            return part
        seen.add(part.where)
    return None


def _mended(text: str, mended: Iterable[Place]) -> str:
    pieces, done = [], 0
    for place in sorted(mended, key=lambda place: place.start):
        known = tuple(0 if isinstance(key, int) else key for key in place.where)
        line_breaks = "\n" * text.count("\n", place.start, place.end)  # what follows keeps its line
        pieces += [text[done : place.start], json.dumps(_SOUND.get(known)), line_breaks]
        done = place.end
    return "".join([*pieces, text[done:]])


def _stale(data: bytes, fixture: Fixture) -> list[Fault]:
    text = data.decode("utf-8-sig")
    given, due = json.loads(text), json.loads(dumps(fixture))
    differences = [_difference(key, given, due) for key in _DERIVED]
    if not any(what for what, _ in differences):
        return []
    lines = {place.where: place.line for place in reversed(places(text))}
    return [
        Fault(
            lines.get(where) or lines.get(where[:1]) or lines[("request",)],
            f"{what}; write it anew with: devkit check --fix",
            stale=True,
        )
        for what, where in differences
        if what
    ]


def _difference(key: str, given: dict[str, object], due: dict[str, object]) -> tuple[str, Where]:
    """How a derived copy differs from what the request says, and where; empty when it does not. Never says a value."""
    if key not in due:
        return (f'"{key}" has no place here: the request says otherwise' if key in given else ""), (key,)
    if key not in given:
        return f'"{key}" is missing', (key,)
    if json.dumps(given[key]) == json.dumps(due[key]):
        return "", (key,)
    names = _differing(given[key], due[key])
    where = f" in {', '.join(repr(name[:40]) for name in names[:5])}" if names else ""
    return f'"{key}" is stale: the request says otherwise{where}', (key, *names[:1])


def _differing(given: object, due: object) -> list[str]:
    if not isinstance(given, dict) or not isinstance(due, dict):
        return []
    missing = object()
    return [name for name in {**given, **due} if given.get(name, missing) != due.get(name, missing)]
