"""How two receipts differ, for the text of a failed assertion: field by field, phone numbers masked."""

from collections.abc import Mapping

from devkit.receipt import Receipt
from devkit.testing import Fields, TestReceipt
from devkit.testing.field import masked


def difference(left: object, right: object) -> list[str] | None:
    """The lines to show; None when the two are not fields of receipts."""
    ours = any(isinstance(side, Fields | TestReceipt | Receipt) for side in (left, right))
    first, second = _fields(left), _fields(right)
    if not ours or first is None or second is None:
        return None
    lines = ["two receipts are equal, but these fields differ (phone numbers are masked):"]
    for name in dict.fromkeys((*first, *second)):
        if name not in second:
            lines.append(f"  {name}: {masked(name, first[name])!r} on the left only")
        elif name not in first:
            lines.append(f"  {name}: {masked(name, second[name])!r} on the right only")
        elif first[name] != second[name]:
            lines.append(f"  {name}: {masked(name, first[name])!r} != {masked(name, second[name])!r}")
    if len(lines) == 1:
        return ["two receipts are equal, but only their fields are:", f"  {left!r}", f"  {right!r}"]
    return lines


def _fields(side: object) -> Mapping[str, object] | None:
    if isinstance(side, TestReceipt | Receipt):
        return side.fields
    return side if isinstance(side, Mapping) else None
