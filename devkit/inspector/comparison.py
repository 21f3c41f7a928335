"""The comparison of two recordings, field by field."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from devkit.fixture.format import Fixture
from devkit.inspector.detail import shown_headers
from devkit.webhook.callback import Callback, has_token, without_token
from devkit.webhook.field_meanings import flat_fields, mask_value
from devkit.webhook.masking import mask_numbers_in
from devkit.webhook.receipt import webhook_in


@dataclass(frozen=True, slots=True)
class ComparedField:
    """A field, header or part of the request in two recordings; None where it is missing."""

    name: str
    left: str | None
    right: str | None

    @property
    def verdict(self) -> Literal["same", "changed", "only left", "only right"]:
        if self.left == self.right:
            return "same"
        if self.left is None or self.right is None:
            return "only right" if self.left is None else "only left"
        return "changed"


def compare(left: Fixture, right: Fixture, *, numbers: bool) -> dict[str, list[ComparedField]]:
    """The fields, the request line and the headers of two fixtures. numbers: show phone numbers whole.

    Masked numbers that differ are marked as changed, even if their last digits are equal.
    """
    fields = _paired(_fields(left), _fields(right))
    headers = _paired(_headers(left.callback), _headers(right.callback))
    if not numbers:
        both = [webhook_in(fixture.read()) for fixture in (left, right)]
        fields = [_masked(line, [partial(mask_value, each, line.name) for each in both]) for line in fields]
        headers = [_masked(line, [mask_numbers_in] * 2) for line in headers]
    return {
        "Fields": fields,
        "Request": _paired(_request(left.callback), _request(right.callback)),
        "Headers": headers,
    }


def _paired(left: Sequence[tuple[str, str]], right: Sequence[tuple[str, str]]) -> list[ComparedField]:
    before, after = _numbered(left), _numbered(right)
    return [ComparedField(name, before.get(name), after.get(name)) for name in {**before, **after}]


def _numbered(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The pairs with unique names, since a header may occur twice."""
    numbered: dict[str, str] = {}
    count: Counter[str] = Counter()
    for name, value in pairs:
        count[name] += 1
        numbered[f"{name} #{count[name]}" if count[name] > 1 else name] = value
    return numbered


def _masked(line: ComparedField, masks: Sequence[Callable[[str], str]]) -> ComparedField:
    """masks: of the left and of the right one, which may be of different kinds."""
    left = None if line.left is None else masks[0](line.left)
    right = None if line.right is None else masks[1](line.right)
    if left == right and line.left != line.right:
        right = f"{right} (another one)"
    return ComparedField(line.name, left, right)


def _fields(fixture: Fixture) -> list[tuple[str, str]]:
    return flat_fields(webhook_in(fixture.read()))


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
