"""What the page does with the selected messages: replay, export, delete, and undo of a deletion."""

from collections.abc import Iterator
from dataclasses import replace

from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from devkit.errors import ConfigurationError, DevkitError, UsageError
from devkit.fixture.deletion import Trash
from devkit.fixture.export import export
from devkit.fixture.format import load
from devkit.inspector.context import InspectorContext
from devkit.inspector.replay_form import ReplayRequest, require_target, run_replays
from devkit.inspector.search import EVENT_KINDS, Query, read_query
from devkit.inspector.views import MAX_RECEIPTS, is_recording, recordings_blueprint, render

_SHOWN = 100  # results of a replay
_EXPORTS = ("json", "har")  # forms of `export`, and the endings of file names; both are JSON
_NARROWER = "Select fewer, or narrow the filter."


def selected_messages(context: InspectorContext) -> Blueprint:
    """Actions on what `_read_selection` finds."""
    part = recordings_blueprint("selected_messages", context)

    @part.post("/selection/replay")
    def replay() -> str:
        to = require_target(context, request.form.get("to", "").strip())
        keys = _read_selection(context, request.form)
        report = run_replays(context, keys, ReplayRequest(to))
        context.responses.refresh()
        rows = [context.rows.read(key) for key in keys[:_SHOWN]]
        return render(context, "_replayed.html", report=report, rows=rows)

    @part.post("/selection/export")
    def download() -> Response:
        form = request.form.get("form", "json")
        if form not in _EXPORTS:
            hint = f"Use one of: {', '.join(_EXPORTS)}"
            raise UsageError(f"No export is called {form[:40]!r}.", hint=hint)
        paths = map(context.rows.path, _read_selection(context, request.form))
        content = export(form, [(path, load(path)) for path in paths], context.options.curl_url)
        name = f"receipts-{context.options.clock():%Y%m%dT%H%M%S}.{form}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, mimetype="application/json", headers=headers)

    @part.post("/selection/delete")
    def delete() -> str:
        deleted = _trash(context).delete(_read_selection(context, request.form), context.options.clock())
        context.index.refresh()
        return _trash_page(context, deleted=deleted)

    @part.errorhandler(DevkitError)
    def nothing_done(error: DevkitError) -> str:
        return render(context, "_nothing_done.html", refused=error)

    return part


def trash(context: InspectorContext) -> Blueprint:
    """What was deleted, and undo."""
    part = recordings_blueprint("trash", context)

    @part.get("/trash")
    def deleted() -> str:
        return _trash_page(context)

    @part.post("/trash/<name>/undo")
    def undo(name: str) -> str:
        try:
            restored = _trash(context).restore(name)
        except DevkitError as error:
            return _trash_page(context, refused=error)
        context.index.refresh()
        return _trash_page(context, restored=restored)

    return part


def _trash(context: InspectorContext) -> Trash:
    if context.options.private is None:
        raise ConfigurationError(
            "This inspector was started without a place for deleted recordings.", hint="Use: devkit prune"
        )
    return Trash(context.options.private, context.store)


def _trash_page(context: InspectorContext, **values: object) -> str:
    return render(context, "_trash.html", deletions=_trash(context).deletions(), **values)


def _read_selection(context: InspectorContext, form: MultiDict[str, str]) -> list[str]:
    """The keys of the selected recordings, oldest first. Raises UsageError when there are none, or too many.

    `key`: of any receipt of a message, which selects all of it. `receipt`: of a single receipt. `all`: what matches
    the filter in the form.
    """
    found: set[str] = set()
    for key in _keys(context, form):
        found.add(key)
        if len(found) > MAX_RECEIPTS:
            raise UsageError(f"More than {MAX_RECEIPTS} receipts are selected.", hint=_NARROWER)
    if not found:
        raise UsageError(
            "No message is selected.", hint='Select some in the list, or choose "all that match".'
        )
    return sorted(found)


def _keys(context: InspectorContext, form: MultiDict[str, str]) -> Iterator[str]:
    if form.get("all"):
        yield from _matching(context, replace(read_query(form), before=""))
        return
    for key in form.getlist("key"):
        yield from context.index.message_of(key) if is_recording(context, key) else ()
    yield from (key for key in form.getlist("receipt") if is_recording(context, key))


def _matching(context: InspectorContext, query: Query) -> Iterator[str]:
    """The keys of all receipts of the messages that match, newest message first."""
    if query.kind in EVENT_KINDS:
        return
    while True:
        page = context.search.messages(query)
        for message in page.messages:
            yield from context.index.message_of(message.key)
        if not page.next:
            return
        query = replace(query, before=page.next)
