"""Redacts a request: target, headers and body, and then the signature over what the fields have become."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from devkit.callback import CALLBACK_PATH, Callback
from devkit.fixture import Fixture
from devkit.keep.change import Change, Unsafe, change
from devkit.keep.field import field_change, require_known
from devkit.keep.header import header_change
from devkit.keep.resign import method_of, new_signature
from devkit.keep.rule import SIGNATURE, Policy
from devkit.keep.span import Inseparable, Span, json_spans, query_spans, splice
from devkit.keep.survivor import Original
from devkit.signature import Verdict

PATH = "path"  # how changes and decisions call the path of the callback URL


def redact_request(callback: Callback, policy: Policy, key: bytes) -> tuple[Callback, list[Change]]:
    """The request with everything replaced but its signature. Raises Unsafe when only a person can judge."""
    require_known([*_query(callback), *_body(callback)], policy, key)
    query = [(span, field_change(span, policy, key)) for span in _query(callback)]
    headers = [(pair, header_change(*pair, policy, key)) for pair in callback.headers]
    body = [(span, field_change(span, policy, key)) for span in _body(callback)]
    path = _path_change(callback, policy)
    changed = replace(
        callback,
        target=(path.new if path else callback.path) + _spliced(callback.target, query)[len(callback.path) :],
        headers=tuple((name, change.new if change else value) for (name, value), change in headers),
        body=_spliced(callback.body.decode("latin-1"), body).encode("latin-1"),
    )
    changes = [path, *(change for _, change in [*query, *headers, *body])]
    return _with_length(callback, changed), [change for change in changes if change]


def redact_signature(
    fixture: Fixture, changed: Callback, policy: Policy, key: bytes
) -> tuple[Callback, list[Change], Verdict | None]:
    """The changed request with a signature that fits it as the old one fitted; the verdict on the new one."""
    query, body = (
        [span for span in spans if span.name == SIGNATURE and span.value and span.kind != "word"]
        for spans in (_query(changed), _body(changed))
    )
    if not (query or body) or policy.allows(SIGNATURE):
        return changed, [], fixture.signature
    method = None if policy.redacts(SIGNATURE) else method_of(fixture, fixture.read(), policy)
    how = f"re-signed {method}" if method else "pseudonym"

    def replaced(spans: list[Span]) -> list[tuple[Span, Change | None]]:
        new = ((span, new_signature(span.value, changed, method, key)) for span in spans)
        return [(span, change(SIGNATURE, how, span.value, text)) for span, text in new]

    new_query, new_body = replaced(query), replaced(body)
    signed = replace(
        changed,
        target=_spliced(changed.target, new_query),
        body=_spliced(changed.body.decode("latin-1"), new_body).encode("latin-1"),
    )
    changes = [change for _, change in [*new_query, *new_body] if change]
    return _with_length(changed, signed), changes, _verdict(fixture, signed=method is not None)


def _query(callback: Callback) -> Iterator[Span]:
    return query_spans(callback.target, len(callback.path) + 1)


def _body(callback: Callback) -> Iterator[Span]:
    text = callback.body.decode("latin-1")
    # By what stands there, not by the Content-Type: a wrong one is a reason to keep a recording.
    if text.lstrip()[:1] not in ("{", "["):
        return query_spans(text)
    try:
        return iter(list(json_spans(text)))
    except Inseparable:
        raise Unsafe(
            "its body is JSON that cannot be taken apart into fields, so nobody can say what stands in it",
            "Make a sample by hand: devkit trigger makes receipts that hold nothing real",
        ) from None


def _path_change(callback: Callback, policy: Policy) -> Change | None:
    """The path without the secret part of the callback URL; any other path may hold one anywhere."""
    path = callback.path
    if path == CALLBACK_PATH or policy.allows(PATH):
        return None
    known = CALLBACK_PATH.split("/")
    parts = (part for part in path.split("/") if part not in known)
    return Change(
        PATH, "removed", CALLBACK_PATH, tuple(Original(PATH, each.encode("latin-1")) for each in parts)
    )


def _spliced(text: str, changes: Iterable[tuple[Span, Change | None]]) -> str:
    return splice(text, ((span, change.new) for span, change in changes if change))


def _with_length(before: Callback, after: Callback) -> Callback:
    if len(before.body) == len(after.body):
        return after
    length = str(len(after.body))
    headers = ((name, length if name.lower() == "content-length" else value) for name, value in after.headers)
    return replace(after, headers=tuple(headers))


def _verdict(fixture: Fixture, *, signed: bool) -> Verdict | None:
    if signed:
        return "valid"
    return "invalid" if fixture.signature == "valid" else fixture.signature
