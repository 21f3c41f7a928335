"""The fields of a receipt as tests handle them: by Python names, and shown without phone numbers."""

import re
from collections.abc import Iterator, Mapping

from devkit.receipt_fields import in_order
from devkit.redact import holds_no_number, mask_number
from devkit.vocabulary import FIELDS

_NUMBER = re.compile(r"\+?\d{7,}")


def _python_name(name: str) -> str:
    """`err-code` as err_code, `messageId` as message_id."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).replace("-", "_").lower()


VENDOR_NAMES: dict[str, str] = {_python_name(name): name for name in FIELDS}


class Fields(Mapping[str, object]):
    """The vendor's names and the values that arrived, in their order. Read-only; its repr masks phone numbers."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> object:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Fields({ {name: masked(name, value) for name, value in self.items()} })"


def vendor_name(name: str) -> str:
    """The vendor's name for a keyword argument. Raises TypeError for one that is no field of a receipt."""
    if name in VENDOR_NAMES:
        return VENDOR_NAMES[name]
    known = ", ".join(VENDOR_NAMES)
    raise TypeError(f"{name!r} is no field of a receipt; there are {known}; give others as fields={{...}}")


def changes(fields: Mapping[str, object] | None, named: Mapping[str, object]) -> dict[str, object]:
    """What keyword arguments and `fields` together ask for, under the vendor's names."""
    return {**(fields or {}), **{vendor_name(name): value for name, value in named.items()}}


def changed(fields: Mapping[str, object], change: Mapping[str, object]) -> dict[str, object]:
    """The fields after a change, in Vonage's order and others last. None leaves a field out."""
    made = {
        name: value for name, value in {**fields, **change}.items() if name not in change or value is not None
    }
    return in_order(made)


def masked(name: str, value: object) -> object:
    """A field's value as a test report may show it."""
    return value if value is None or holds_no_number(name, str(value)) else hide_numbers(str(value))


def hide_numbers(text: str) -> str:
    """Text in which whatever could be a phone number shows its last three digits only."""
    return _NUMBER.sub(lambda match: mask_number(match[0]), text)
