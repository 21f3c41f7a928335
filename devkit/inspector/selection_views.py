"""What the page does with selected messages: replay, export, delete, and undo of a deletion."""

from flask import Blueprint, Response, request

from devkit.errors import ConfigurationError, DevkitError, UsageError
from devkit.fixture.deletion import Trash
from devkit.fixture.export import export
from devkit.fixture.format import load
from devkit.inspector.context import InspectorContext
from devkit.inspector.replay_form import ReplayRequest, require_target, run_replays
from devkit.inspector.selection import read_selection
from devkit.inspector.views import recordings_blueprint, render

_EXPORTS = {"json": "application/json", "har": "application/json", "curl": "text/plain"}
_SHOWN = 100  # results of a replay
_ENDINGS = {"json": "json", "har": "har", "curl": "sh"}


def selection_pages(context: InspectorContext) -> Blueprint:
    """Actions on a selection, see `read_selection`."""
    part = recordings_blueprint("selection", context)

    @part.post("/selection/replay")
    def replay() -> str:
        try:
            to = require_target(context, request.form.get("to", "").strip())
            keys = read_selection(context, request.form)
            report = run_replays(context, keys, ReplayRequest(to))
        except DevkitError as error:
            return _refused(context, error)
        context.responses.refresh()
        rows = [context.rows.read(key) for key in keys[:_SHOWN]]
        return render(context, "_replayed.html", selected="", report=report, rows=rows)

    @part.post("/selection/export")
    def download() -> Response | str:
        form = request.form.get("form", "json")
        try:
            if form not in _EXPORTS:
                raise UsageError(
                    f"No export is called {form[:40]!r}.", hint=f"Use one of: {', '.join(_EXPORTS)}"
                )
            paths = [context.rows.path(key) for key in read_selection(context, request.form)]
            content = export(form, [(path, load(path)) for path in paths], context.options.curl_url)
        except DevkitError as error:
            return _refused(context, error)
        name = f"receipts-{context.options.clock():%Y%m%dT%H%M%S}.{_ENDINGS[form]}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, mimetype=_EXPORTS[form], headers=headers)

    @part.post("/selection/delete")
    def delete() -> str:
        try:
            keys = read_selection(context, request.form)
            deleted = _trash(context).delete(keys, context.options.clock())
        except DevkitError as error:
            return _refused(context, error)
        context.index.refresh()
        return _trash_page(context, deleted=deleted)

    return part


def trash_pages(context: InspectorContext) -> Blueprint:
    """What was deleted, and undo."""
    part = recordings_blueprint("trash", context)

    @part.get("/trash")
    def trash() -> str:
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
    deletions = _trash(context).deletions()
    return render(context, "_trash.html", selected="", deletions=deletions, **values)


def _refused(context: InspectorContext, error: DevkitError) -> str:
    return render(context, "_nothing_done.html", selected="", refused=error)
