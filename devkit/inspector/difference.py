"""Two receipts side by side: what differs. Pure."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from devkit.callback import Callback
from devkit.fixture import Fixture
from devkit.inspector.header import shown_headers
from devkit.receipt import Receipt
from devkit.redact import mask_field, mask_numbers_in
from devkit.replay.rewrite import has_token, without_token

Verdict = Literal["same", "changed", "only left", "only right"]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing on both sides; None where it is missing."""

    name: str
    left: str | None
    right: str | None

    @property
    def verdict(self) -> Verdict:
        if self.left == self.right:
            return "same"
        if self.left is None or self.right is None:
            return "only right" if self.left is None else "only left"
        return "changed"


def compare(left: Fixture, right: Fixture, *, numbers: bool) -> dict[str, list[Line]]:
    """The fields, the request line and the headers of two fixtures. numbers: show phone numbers whole.

    Masked numbers that differ show as changed, whatever their last digits.
    """
    fields = _lines(_fields(left), _fields(right))
    headers = _lines(_headers(left.callback), _headers(right.callback))
    if not numbers:
        fields = [_masked(line, partial(mask_field, line.name)) for line in fields]
        headers = [_masked(line, mask_numbers_in) for line in headers]
    return {
        "Fields": fields,
        "Request": _lines(_request(left.callback), _request(right.callback)),
        "Headers": headers,
    }


def _lines(left: Sequence[tuple[str, str]], right: Sequence[tuple[str, str]]) -> list[Line]:
    before, after = _numbered(left), _numbered(right)
    return [Line(name, before.get(name), after.get(name)) for name in {**before, **after}]


def _numbered(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names made unique, since a header may stand twice."""
    numbered: dict[str, str] = {}
    count: Counter[str] = Counter()
    for name, value in pairs:
        count[name] += 1
        numbered[f"{name} #{count[name]}" if count[name] > 1 else name] = value
    return numbered


def _masked(line: Line, mask: Callable[[str], str]) -> Line:
    left = None if line.left is None else mask(line.left)
    right = None if line.right is None else mask(line.right)
    if left == right and line.left != line.right:
        right = f"{right} (another one)"
    return Line(line.name, left, right)


def _fields(fixture: Fixture) -> list[tuple[str, str]]:
    reading = fixture.read()
    fields: Mapping[str, object] = reading.fields if isinstance(reading, Receipt) else {}
    return [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in fields.items()]


def _request(callback: Callback) -> list[tuple[str, str]]:
    path = without_token(callback.target).partition("?")[0]
    return [
        ("method", callback.method),
        ("path", f"{path}/[hidden]" if has_token(callback.target) else path),
        ("transport", callback.transport),
        ("body", f"{len(callback.body)} bytes"),
    ]


def _headers(callback: Callback) -> list[tuple[str, str]]:
    return [(name.title(), value) for name, value in shown_headers(callback, numbers=True)]
