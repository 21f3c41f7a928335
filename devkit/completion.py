"""What a shell can offer for a word that is being typed: fixtures, statuses, err-codes. Opens no file."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from devkit.store import Entry, Store
from devkit.vocabulary import ERR_CODES, STATUSES

_LOOKED_AT = 1000  # of the newest recordings, so that a Tab takes no time in a full store
_OFFERED = 20  # messages


@dataclass(frozen=True, slots=True)
class Word:
    """One word to offer. meaning: what shells that can do so show beside it."""

    text: str
    meaning: str = ""


def selector_words(store: Store, packaged: Path, typed: str) -> list[Word]:
    """Everything with a name that a SELECTOR can be: recordings first, then samples. typed: how it begins."""
    samples = sorted({name for place in (store.samples, packaged) for name in _samples(place, typed)})
    return [*recording_words(store, typed), *(Word(name, "sample") for name in samples)]


def recording_words(store: Store, typed: str) -> list[Word]:
    """`latest`, and the ids of the newest messages, newest first."""
    latest = [Word("latest", "the newest recording; latest:5 for five")] if "latest".startswith(typed) else []
    newest = [entry for entry in islice(store.entries(), _LOOKED_AT) if _is_about(entry, typed)]
    messages: dict[str, Word] = {}
    for entry in newest:
        meaning = f"{entry.status}, {entry.recorded_at:%Y-%m-%d %H:%M} UTC"
        messages.setdefault(entry.message_id, Word(entry.message_id, meaning))
    return latest + list(islice(messages.values(), _OFFERED))


def status_words(typed: str) -> list[Word]:
    """The statuses that Vonage documents."""
    return [Word(name, status.meaning) for name, status in STATUSES.items() if name.startswith(typed)]


def err_code_words(typed: str) -> list[Word]:
    """The err-codes that Vonage documents, by number and by name."""
    numbers = [Word(number, code.name) for number, code in ERR_CODES.items()]
    names = [Word(code.slug, f"{number}: {code.name}") for number, code in ERR_CODES.items()]
    return [word for word in [*numbers, *names] if word.text.startswith(typed)]


def _is_about(entry: Entry, typed: str) -> bool:
    return entry.message_id != "noid" and entry.is_about(typed)


def _samples(directory: Path, typed: str) -> Iterator[str]:
    """The names of samples; of a sequence only its own, until that is typed."""
    for path in directory.rglob("*.json"):
        name = path.relative_to(directory).with_suffix("")
        folder = f"{name.parent.as_posix()}/"
        offered = name.as_posix() if folder == "./" or typed.startswith(folder) else folder.rstrip("/")
        if offered.startswith(typed):
            yield offered
