"""The fields of webhooks in tests: their Python names, and how they are shown without phone numbers."""

import re
from collections.abc import Iterator, Mapping

from devkit.webhook.masking import holds_no_number, mask_number
from devkit.webhook.vocabulary import FIELDS

_NUMBER = re.compile(r"\+?\d{7,}")


def _python_name(name: str) -> str:
    """`err-code` as err_code, `messageId` as message_id; `from` is a word of Python, so its name is `from_`."""
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).replace("-", "_").lower()
    return plain.replace("from", "from_")


_INBOUND = (
    *("msisdn", "to", "messageId", "concat", "concat-ref", "concat-total", "concat-part", "text", "type"),
    *("data", "udh", "keyword", "api-key", "message-timestamp", "timestamp", "nonce", "sig"),
)
_MESSAGES = ("to", "from", "channel", "message_uuid", "timestamp", "usage", "status", "error", "client_ref")
_FIELDS: dict[str, tuple[str, ...]] = {
    "sms-receipt": tuple(FIELDS),
    "sms-inbound": _INBOUND,
    "messages-status": (*_MESSAGES, "workflow", "destination", "sms"),
    "messages-inbound": (*_MESSAGES, "message_type", "text", "sms", "message", "direction"),
}
# The vendor's name for each Python name, by kind.
VENDOR_NAMES = {kind: {_python_name(name): name for name in names} for kind, names in _FIELDS.items()}


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


def vendor_name(name: str, kind: str = "sms-receipt") -> str:
    """The vendor's name for a keyword argument. kind: of the webhook. Raises TypeError for an unknown one."""
    names = VENDOR_NAMES.get(kind, VENDOR_NAMES["sms-receipt"])
    if name in names:
        return names[name]
    noun = "a receipt" if names is VENDOR_NAMES["sms-receipt"] else f"the kind {kind}"
    known = ", ".join(names)
    raise TypeError(f"{name!r} is no field of {noun}; there are {known}; give others as fields={{...}}")


def read_changes(
    kind: str, fields: Mapping[str, object] | None, named: Mapping[str, object]
) -> tuple[dict[str, object], set[str]]:
    """The fields to set and to remove (those whose value is None), by the vendor's names.

    fields: by the vendor's names. named: by the Python names. Raises TypeError as `vendor_name`.
    """
    changes = {**(fields or {}), **{vendor_name(name, kind): value for name, value in named.items()}}
    values = {name: value for name, value in changes.items() if value is not None}
    return values, changes.keys() - values.keys()


def masked(name: str, value: object) -> object:
    """A field's value as a test report may show it."""
    return value if value is None or holds_no_number(name, str(value)) else hide_numbers(str(value))


def hide_numbers(text: str) -> str:
    """The text with all but the last three digits of each possible phone number masked."""
    return _NUMBER.sub(lambda match: mask_number(match[0]), text)
