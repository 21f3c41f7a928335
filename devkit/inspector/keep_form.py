"""The form of the page that keeps a recording, or all recordings of its message, as samples."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import Blueprint, request

from devkit.errors import ConfigurationError, DevkitError, UsageError
from devkit.fixture.format import load
from devkit.fixture.redaction.plan import Redaction, assign, plan_keep, write
from devkit.fixture.redaction.policy import FIELDS, HEADERS
from devkit.fixture.redaction.sample_name import describe
from devkit.fixture.select import display_path
from devkit.inspector.context import InspectorContext, SampleOptions
from devkit.inspector.views import MAX_RECEIPTS, recordings_blueprint, render
from devkit.webhook.field_meanings import flat_fields
from devkit.webhook.receipt import webhook_in

# The methods of `plan_keep`, in words.
_METHODS = {
    "number": "a number that is assigned to nobody; equal numbers stay equal",
    "sender": "another number; a sender's name stays",
    "pseudonym": "a value of the same form; equal values stay equal",
    "example": "an example",
    "text": "a text without meaning",
    "content": "a text or a URL without meaning",
    "keyword": "the first word of that text",
}


@dataclass(frozen=True, slots=True)
class ShownReplacement:
    """A field or header that differs in the sample. after: its value there, empty for a header."""

    name: str
    how: str
    after: str


def keep_form(context: InspectorContext) -> Blueprint:
    """Show what is replaced, and write the samples.

    Parameters: `whole` for all receipts of the message, `keep-text` to keep the text of inbound messages.
    """
    part = recordings_blueprint("keep_form", context)

    @part.get("/receipts/<path:key>/keep")
    def form(key: str) -> str:
        return _form(context, key)

    @part.post("/receipts/<path:key>/keep")
    def write_samples(key: str) -> str:
        name = request.form.get("name", "").strip()
        try:
            samples = assign(_redactions(context, key), _options(context).directory, name)
            write(samples)
        except DevkitError as error:
            return _form(context, key, name=name, refused=error)
        files = [display_path(each.path) for each in samples]
        return render(context, "_kept.html", key, key=key, files=files)

    return part


def _form(context: InspectorContext, key: str, **values: object) -> str:
    redactions, row = _redactions(context, key), context.rows.read(key)
    suggestion = describe(redactions[-1].fixture)
    shown: dict[str, object] = {
        "name": f"message-{suggestion}" if len(redactions) > 1 else suggestion,
        "replacements": _shown(redactions),
        "count": len(redactions),
        "total": len(context.index.message_of(key)),
        "has_text": bool(row and row.inbound),
        "keep_text": _is_asked("keep-text"),
        "rules": {"fields": FIELDS, "headers": HEADERS},
    }
    return render(context, "_keep.html", key, key=key, **{**shown, **values})


def _shown(redactions: Sequence[Redaction]) -> list[ShownReplacement]:
    shown: dict[ShownReplacement, None] = {}
    for redaction in redactions:
        after = dict(flat_fields(webhook_in(redaction.fixture.read())))
        for name, method in redaction.replaced.items():
            shown[ShownReplacement(name, _METHODS.get(method, method), after.get(name, ""))] = None
    return list(shown)


def _redactions(context: InspectorContext, key: str) -> list[Redaction]:
    """The recordings that the request is about, redacted. Writes only the key, if it is missing. Raises DevkitError."""
    options = _options(context)
    policy = replace(options.policy(), keep_text=_is_asked("keep-text"))
    keys = context.index.message_of(key) if _is_asked("whole") else (key,)
    if len(keys) > MAX_RECEIPTS:
        raise UsageError(
            f"The message has more than {MAX_RECEIPTS} receipts.",
            hint="Keep one of them, or use: devkit keep",
        )
    paths = map(context.rows.path, keys)
    return [plan_keep(load(path), policy, name=display_path(path)) for path in paths]


def _options(context: InspectorContext) -> SampleOptions:
    if context.options.samples is None:
        raise ConfigurationError(
            "This inspector was started without a place for samples.", hint="Use: devkit keep"
        )
    return context.options.samples


def _is_asked(parameter: str) -> bool:
    return bool(request.values.get(parameter))
