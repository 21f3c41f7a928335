"""The recordings that an action of the page is about: selected messages, single receipts, or all that match."""

from collections.abc import Iterator
from dataclasses import replace

from werkzeug.datastructures import MultiDict

from devkit.errors import UsageError
from devkit.inspector.context import InspectorContext
from devkit.inspector.index import entry_of
from devkit.inspector.search import EVENT_KINDS, Query, find_messages, read_query

MAX_SELECTED = 2_000  # receipts, so that no action takes long or needs much memory
_NEAREST = "Select fewer, or narrow the filter."


def read_selection(context: InspectorContext, form: MultiDict[str, str]) -> list[str]:
    """The keys of the selected recordings, oldest first. Raises UsageError when there are none, or too many.

    `key`: of any receipt of a message, which selects all of it. `receipt`: of a single receipt. `all`: what matches
    the filter in the form.
    """
    found: set[str] = set()
    for key in _keys(context, form):
        found.add(key)
        if len(found) > MAX_SELECTED:
            raise UsageError(f"More than {MAX_SELECTED} receipts are selected.", hint=_NEAREST)
    if not found:
        raise UsageError(
            "No message is selected.", hint='Select some in the list, or choose "all that match".'
        )
    return sorted(found)


def _keys(context: InspectorContext, form: MultiDict[str, str]) -> Iterator[str]:
    if form.get("all"):
        yield from _matching(context, read_query(form))
        return
    for key in form.getlist("key"):
        yield from context.index.message_of(key) if _is_recording(context, key) else ()
    yield from (key for key in form.getlist("receipt") if _is_recording(context, key))


def _is_recording(context: InspectorContext, key: str) -> bool:
    # Keys come from a form, so no other file is opened.
    return (
        key.count("/") == 1 and entry_of(context.store, key) is not None and context.rows.path(key).is_file()
    )


def _matching(context: InspectorContext, query: Query) -> Iterator[str]:
    """The keys of all receipts of the messages that match, newest message first."""
    if query.kind in EVENT_KINDS:
        return
    now, before = context.options.clock(), ""
    while True:
        query = replace(query, before=before)
        page = find_messages(context.index, context.rows, query, now, responses=context.responses)
        for message in page.messages:
            yield from context.index.message_of(message.key)
        before = page.next
        if not before:
            return
