"""What Hypothesis draws from: callbacks, fields and fixtures of every shape that can arrive."""

import string
from datetime import UTC

from hypothesis import strategies as st

from devkit.fixture.format import Fixture
from devkit.webhook.callback import Callback

TOKEN = string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~"

# JSON can carry the first half of a surrogate pair alone; with the second half it would be another character.
half = st.sampled_from("\ud800\udbff")
any_text = st.text(max_size=20) | st.lists(st.characters(exclude_categories=["Cs"]) | half, max_size=5).map(
    "".join
)
plain_text = st.text(max_size=20)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=8,
)
json_objects = st.dictionaries(any_text, json_values, max_size=4)

# Names that would make something else of a receipt are not drawn.
receipt_fields = st.dictionaries(
    plain_text.filter(lambda name: name not in ("status", "message_uuid")), plain_text, max_size=8
).flatmap(lambda fields: plain_text.filter(bool).map(lambda status: {**fields, "status": status}))


def wire_text(without: str) -> st.SearchStrategy[str]:
    """Text that is bytes on the wire, as latin-1."""
    return st.text(st.characters(max_codepoint=0xFF, exclude_characters=without), max_size=30)


tokens = st.text(TOKEN, min_size=1, max_size=10)
targets = wire_text(" \r\n").map(lambda rest: f"/{rest}")
headers = st.lists(st.tuples(tokens, wire_text("\0\r\n")), max_size=5).map(tuple)
content_types = st.sampled_from(
    ["application/json", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain", ""]
)
bodies = st.binary(max_size=60) | plain_text.map(str.encode)

callbacks = st.builds(
    lambda method, target, first, more, body: Callback(method, target, (*first, *more), body),
    st.sampled_from(["GET", "POST", "HEAD"]) | tokens,
    targets,
    content_types.map(lambda name: (("Content-Type", name),) if name else ()),
    headers,
    bodies,
)

KNOWN = {"format", "version", "kind", "recorded_at", "request", "receipt", "content", "problem"}
KNOWN |= {"signature", "captured", "redacted", "tags", "note"}


def unknown_keys(known: set[str]) -> st.SearchStrategy[dict[str, object]]:
    return st.dictionaries(any_text.filter(lambda key: key not in known), json_values, max_size=3)


fixtures = st.builds(
    Fixture,
    recorded_at=st.datetimes(timezones=st.just(UTC)),
    callback=callbacks,
    signature=st.sampled_from([None, "absent", "valid", "invalid", "unchecked"]),
    captured=any_text,
    redacted=json_objects,
    tags=st.lists(any_text, max_size=3).map(tuple),
    note=any_text,
    extra=unknown_keys(KNOWN),
    request_extra=unknown_keys({"method", "target", "headers", "body"}),
)
