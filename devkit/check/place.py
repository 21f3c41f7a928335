"""Where in a JSON text its values stand, so that a message can name the line. Knows JSON, not fixtures."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

# A text, or whatever else stands between white space and punctuation. Possessive, so that any text is read once.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_MAX_DEPTH = 40  # deeper than any fixture may be; what lies there is left out

Where = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """One value in a text. where: the keys and indices that lead to it. line: of its key, from 1.

    start, end: the value's own characters in the text.
    """

    where: Where
    line: int
    start: int
    end: int


def places(text: str) -> list[Place]:
    """Every value of a valid JSON text, a whole before its parts. A key that stands twice is there twice."""
    found = (place for place in _scan(text) if len(place.where) < _MAX_DEPTH)
    return sorted(found, key=lambda place: place.start)


def _scan(text: str) -> Iterator[Place]:
    keys: list[
        str | int | None
    ] = []  # into each open object and list; None where an object's next key will stand
    opened: list[tuple[Where, int, int]] = []
    line, counted, key_line = 1, 0, 1
    for match in _TOKEN.finditer(text):
        token, start = match[0], match.start()
        line, counted = line + text.count("\n", counted, start), start
        if token in "}]":
            keys.pop()
            yield Place(*opened.pop(), match.end())
        elif token == ",":
            keys[-1] = keys[-1] + 1 if isinstance(keys[-1], int) else None
        elif token == ":":
            continue
        elif keys and keys[-1] is None:
            keys[-1], key_line = json.loads(token, strict=False), line
        else:
            place = (_where(keys), key_line if keys and isinstance(keys[-1], str) else line, start)
            if token in "{[":
                opened.append(place)
                keys.append(None if token == "{" else 0)
            else:
                yield Place(*place, match.end())


def _where(keys: list[str | int | None]) -> Where:
    return tuple(key for key in keys[:_MAX_DEPTH] if key is not None)
