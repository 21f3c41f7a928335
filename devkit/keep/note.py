"""What people wrote beside a request: kept, unless something in it looks as if it identified somebody."""

import json
import re
from collections.abc import Iterator

from devkit.fixture import Fixture
from devkit.keep.change import Unsafe, shown, typed
from devkit.keep.pseudonym import is_never_assigned
from devkit.keep.rule import Policy
from devkit.keep.spelling import STAND_IN, fold

_DATE = re.compile(r"(?<!\d)(?:19|20)\d\d-?(?:0[1-9]|1[0-2])-?(?:[0-2]\d|3[01])(?!\d)", re.ASCII)
_NUMBER = re.compile(r"\d(?:(?:[^\w\n]|_){0,3}\d){7,}", re.ASCII)
_UNKNOWN = "unknown keys"  # those that are left have been allowed by name
_MAIL = re.compile(r"[\w.+-]@[\w-]+\.\w")


def check_notes(fixture: Fixture, policy: Policy) -> None:
    """Raises Unsafe when a note, a tag or a key of the file that nobody knows may identify somebody."""
    for key in (*fixture.extra, *fixture.request_extra):
        if not policy.allows(key):
            raise Unsafe(
                f"this devkit does not know a key of the file: {shown(key)}",
                f"Take the key out of the file, or keep it: --allow-field {typed(key)}",
            )
    for place, text in notes(fixture):
        if not (policy.allows(place) or place == _UNKNOWN) and (_has_number(text) or _MAIL.search(text)):
            raise Unsafe(
                f"{place!r} holds what looks like a phone number or a mail address",
                f"Take it out of the file, or keep it with --allow-field {place}",
            )


def notes(fixture: Fixture) -> Iterator[tuple[str, str]]:
    """What stands in the file beside the request, by its key."""
    yield "captured", fixture.captured
    yield "note", fixture.note
    yield "tags", "\n".join(fixture.tags)
    yield "redacted", json.dumps(dict(fixture.redacted))
    yield _UNKNOWN, json.dumps([dict(fixture.extra), dict(fixture.request_extra)])


def _has_number(text: str) -> bool:
    others = _DATE.sub("x", STAND_IN.sub("x", fold(text)))
    return any(not is_never_assigned(match[0]) for match in _NUMBER.finditer(others))
