"""What becomes of a receipt's field. Signatures are made later, over what the other fields have become."""

import re
from collections.abc import Iterable

from devkit.keep.change import Change, Unsafe, change, decision, shown
from devkit.keep.pseudonym import is_token, number, token
from devkit.keep.rule import FIELDS, SAFE_FIELDS, SIGNATURE, Policy
from devkit.keep.span import Span
from devkit.keep.spelling import is_numeric
from devkit.redact import has_form

# The example of Vonage's documentation, also the simulator's: in a sample one account is as good as another.
EXAMPLE_API_KEY = "abcd1234"

# A sender's name has at most 11 characters; the business chose it and shows it to everybody it writes to.
_SENDER_NAME = re.compile(r"(?=.*[^\W\d_])[\w .&'-]{1,11}")
_DIGITS_IN_NAME = 4


def require_known(spans: Iterable[Span], policy: Policy, key: bytes) -> None:
    """Raises Unsafe with the names of all fields that nobody has decided on. A stand-in is known by its value."""
    known = {*FIELDS, *SAFE_FIELDS, SIGNATURE}
    names = {
        span.name: None
        for span in spans
        if not (span.name in known or policy.allows(span.name) or policy.redacts(span.name))
        and not is_token(span.value.decode("utf-8", "replace"), key)
    }
    if names:
        fields = ", ".join(shown(name) for name in names)
        raise Unsafe(f"unknown fields may identify somebody: {fields}", decision(*names))


def field_change(span: Span, policy: Policy, key: bytes) -> Change | None:
    """The replacement of a known field's value; None when it stays. Raises Unsafe when only a person can judge."""
    if policy.allows(span.name) or span.name == SIGNATURE:
        return None
    method = "pseudonym" if policy.redacts(span.name) else FIELDS.get(span.name, "")
    text = span.value.decode("utf-8", "replace")
    if not text or span.kind == "word":
        return None
    if not method:
        _require_form(span, text)
        return None
    if span.kind == "nested":
        raise Unsafe(f"the field {shown(span.name)} holds a list or an object", decision(span.name))
    if method == "sender":
        method = _sender_method(text)
    return change(span.name, method, span.value, _stand_in(method, span, text, key)) if method else None


def _require_form(span: Span, text: str) -> None:
    if span.name in SAFE_FIELDS and not has_form(span.name, text):
        raise Unsafe(f"the value of {span.name!r} is not of the form that Vonage sends", decision(span.name))


def _sender_method(text: str) -> str:
    """How to replace a sender: a number as a number, a plain name not at all."""
    if is_numeric(text):
        return "number"
    is_name = _SENDER_NAME.fullmatch(text) and sum(char.isdigit() for char in text) <= _DIGITS_IN_NAME
    return "" if is_name else "pseudonym"


def _stand_in(method: str, span: Span, text: str, key: bytes) -> str:
    if method == "number":
        return number(text, key)
    if method == "example":
        return EXAMPLE_API_KEY
    return token(span.value, key, digits=span.kind == "number")
