"""A fixture explained to people, as values: what it says, what that means, what to do about it. Prints nothing."""

import json
from dataclasses import dataclass, replace
from datetime import datetime

from devkit.callback import Transport
from devkit.catalogue import TEST_SIGNATURE_SECRET
from devkit.explanation.trap import traps
from devkit.fixture import Fixture
from devkit.receipt import Receipt, Unreadable
from devkit.redact import mask_field
from devkit.replay.rewrite import has_token, without_token
from devkit.signature import METHODS, Method, Verdict, has_plain_names, verify
from devkit.vocabulary import ERR_CODES, FIELDS, STATUSES, meaning


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the receipt. value: as text. meaning: empty for a field that no document lists."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What there is to say about a fixture. Texts are empty when there is nothing to say.

    final: None when nobody knows. signature: the verdict, checked anew. problem: why it is no receipt;
    then all that belongs to a receipt is empty.
    """

    recorded_at: datetime
    method: str
    path: str
    transport: Transport
    body_size: int  # bytes
    message_id: str = ""
    status: str = ""
    status_meaning: str = ""
    final: bool | None = None
    err_code: str = ""
    err_code_meaning: str = ""
    advice: str = ""
    fields: tuple[Field, ...] = ()
    signature: Verdict = "absent"
    signature_detail: str = ""
    traps: tuple[str, ...] = ()
    problem: str = ""
    captured: str = ""
    redacted: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    note: str = ""


def explain(fixture: Fixture, *, secret: str, method: Method, numbers: bool = False) -> Explanation:
    """What a fixture says. secret, method: to check the signature with; an empty secret checks nothing.

    numbers: show phone numbers whole. The secret segment of the callback path is never shown.
    """
    callback, reading = fixture.callback, fixture.read()
    plain = Explanation(
        recorded_at=fixture.recorded_at,
        method=callback.method,
        path=_path(callback.target),
        transport=callback.transport,
        body_size=len(callback.body),
        captured=fixture.captured,
        redacted=tuple(fixture.redacted),
        tags=fixture.tags,
        note=fixture.note,
    )
    if isinstance(reading, Unreadable):
        return replace(plain, problem=reading.problem)
    status, code = STATUSES.get(reading.status), reading.err_code
    verdict, detail = _signature(reading, secret, method)
    return replace(
        plain,
        message_id=reading.message_id,
        status=reading.status,
        status_meaning=status.meaning if status else "no document lists this status",
        final=status.final if status else None,
        err_code=code,
        err_code_meaning=_code_meaning(reading),
        advice=ERR_CODES[code].advice if code in ERR_CODES else "",
        fields=tuple(_field(name, value, numbers) for name, value in reading.fields.items()),
        signature=verdict,
        signature_detail=detail,
        traps=tuple(traps(reading, fixture.recorded_at)),
    )


def _path(target: str) -> str:
    path = without_token(target).partition("?")[0]
    return f"{path}/[hidden]" if has_token(target) else path


def _code_meaning(receipt: Receipt) -> str:
    words = meaning(receipt.err_code, receipt.status) if receipt.err_code else ""
    return words[:1].upper() + words[1:]


def _field(name: str, value: object, numbers: bool) -> Field:
    text = value if isinstance(value, str) else json.dumps(value)
    return Field(name, text if numbers else mask_field(name, text), FIELDS.get(name, ""))


def _signature(receipt: Receipt, secret: str, method: Method) -> tuple[Verdict, str]:
    """The verdict, and in a sentence what else fits when the configured secret and method do not."""
    verdict = verify(receipt.fields, secret, method)
    if verdict == "absent":
        return verdict, "Vonage signs receipts only after its support has switched that on."
    if verdict == "valid":
        return verdict, f"Checked with {method} and VONAGE_SIGNATURE_SECRET."
    if not has_plain_names(receipt.fields):
        return verdict, "A field name holds & or =, which divide the signed text, so no signature is valid."
    fitting = _fitting_method(receipt, secret) if secret else None
    if fitting:
        return (
            verdict,
            f"It is valid with {fitting}: set VONAGE_SIGNATURE_METHOD={fitting} (it is {method} now).",
        )
    fitting = _fitting_method(receipt, TEST_SIGNATURE_SECRET)
    if fitting:
        return verdict, f"It is valid with {fitting} and the samples' secret, {TEST_SIGNATURE_SECRET}."
    if verdict == "unchecked":
        return verdict, "Set VONAGE_SIGNATURE_SECRET to check it."
    return verdict, "No method fits the configured secret: the secret is another one, or a field was changed."


def _fitting_method(receipt: Receipt, secret: str) -> Method | None:
    return next((method for method in METHODS if verify(receipt.fields, secret, method) == "valid"), None)
