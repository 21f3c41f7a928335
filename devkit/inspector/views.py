"""The pages of the inspector."""

from pathlib import Path

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from devkit.errors import ConfigurationError, DevkitError, UsageError
from devkit.fixture.export import PAGE_FORMS, export
from devkit.fixture.format import load
from devkit.fixture.redaction.policy import FIELDS, HEADERS
from devkit.fixture.select import display_path
from devkit.inspector.comparison import compare
from devkit.inspector.context import InspectorContext, SampleOptions
from devkit.inspector.detail import read_detail
from devkit.inspector.event_log import LoggedEvent
from devkit.inspector.index import entry_of, key_of
from devkit.inspector.replay_form import (
    editable_fields,
    keep,
    preview,
    read_replay_request,
    require_target,
    run_replay,
)
from devkit.inspector.search import EVENT_KINDS, Page, Query, find_messages, read_query
from devkit.inspector.selection import MAX_SELECTED

_EVENTS = 200  # shown of a kind that is not recorded


def wants_fragment() -> bool:
    """Whether the page's own script asks for a part of the page."""
    return "X-Fragment" in request.headers


def shows_numbers() -> bool:
    """Whether the request asks for whole phone numbers."""
    return request.values.get("numbers", "") in ("1", "true", "on")


def recordings_blueprint(name: str, context: InspectorContext, url_prefix: str | None = None) -> Blueprint:
    """A blueprint whose handlers see the newest recordings, and whose `key` in a path names an existing one."""
    part = Blueprint(name, "devkit.inspector", url_prefix=url_prefix)

    @part.before_request
    def prepare() -> None:
        context.refresh()
        if key := (request.view_args or {}).get("key"):
            _checked(context, key)

    return part


def _checked(context: InspectorContext, key: str) -> str:
    """The key, if it names an existing recording, else 404. Keys come from URLs, so no other file is opened."""
    entry = entry_of(context.store, key)
    if entry is None or key.count("/") != 1 or not entry.path.is_file():
        abort(404)
    return key


def pages(context: InspectorContext) -> Blueprint:
    """The list, the overview, a recording, the comparison of two, and a recording in other forms."""
    part = recordings_blueprint("pages", context)

    @part.route("/", methods=["GET", "POST"])
    def home() -> str:
        query = _query()
        values = {"numbers": query.numbers, "overview": context.overview(), **_list_values(context, query)}
        return render_template("page.html", part="_overview.html", selected="", **values)

    @part.post("/list")
    def messages() -> str:
        return render_template("_list.html", selected="", **_list_values(context, _query()))

    @part.get("/overview")
    def overview() -> str:
        shown = context.overview()
        return render(context, "_overview.html", overview=shown, recorded=shown.recorded)

    @part.get("/receipts/<path:key>")
    def receipt(key: str) -> str:
        return _receipt_page(context, key)

    @part.get("/receipts/<path:key>/as/<form>")
    def other_form(key: str, form: str) -> Response:
        return Response(_in_form(context, key, form), mimetype="text/plain")

    @part.get("/diff")
    def diff() -> str:
        keys = [_checked(context, request.args.get(side, "")) for side in ("a", "b")]
        left, right = (load(context.rows.path(key)) for key in keys)
        parts = compare(left, right, numbers=shows_numbers())
        rows = [context.rows.read(key) for key in keys]
        return render(context, "_diff.html", parts=parts, rows=rows, keys=keys, selected=keys[1])

    return part


def actions(context: InspectorContext) -> Blueprint:
    """Replay and keep. `whole`: all receipts of the message."""
    part = recordings_blueprint("actions", context)

    @part.post("/receipts/<path:key>/replay")
    def replay(key: str) -> str | Response:
        fields = editable_fields(load(context.rows.path(key)), numbers=shows_numbers())
        try:
            asked = read_replay_request(request.form, request.form.getlist("unset"), fields)
            require_target(context, asked.to)
            run_replay(context, key, asked)
        except DevkitError as error:  # such as a target that is not on this machine
            return _receipt_page(context, key, tab="replays", refused=error)
        if wants_fragment():
            return _receipt_page(context, key, tab="replays")
        return redirect(url_for("pages.receipt", key=key) + "#replays", 303)

    @part.get("/receipts/<path:key>/keep")
    def sample_form(key: str) -> str:
        return _sample_form(context, key)

    @part.post("/receipts/<path:key>/keep")
    def make_sample(key: str) -> str:
        name = request.form.get("name", "").strip()
        try:
            samples = keep(_sample_options(context), _paths(context, key), name)
        except DevkitError as error:
            return _sample_form(context, key, name=name, refused=error)
        return render(
            context, "_kept.html", selected=key, key=key, files=[display_path(each.path) for each in samples]
        )

    return part


def _query() -> Query:
    """The query of this request. Search words are read from a body only, never from a URL."""
    if request.method == "POST":
        return read_query(request.form)
    return read_query({name: value for name, value in request.args.items() if name != "q"})


def _list_values(context: InspectorContext, query: Query) -> dict[str, object]:
    events: list[LoggedEvent] = []
    page, now = Page(()), context.options.clock()
    if query.kind in EVENT_KINDS:
        events = context.event_log.kept(query.kind)[:_EVENTS]
    else:
        page = find_messages(context.index, context.rows, query, now, responses=context.responses)
    return {
        "query": query,
        "page": page,
        "events": events,
        "recorded": context.index.count(),
        "messages": context.index.message_count(),
        "sends": context.event_log.sends(),
        "replayed": _replayed(context),
        "relay": context.relay(),
    }


def _replayed(context: InspectorContext) -> set[str]:
    """The recordings that were replayed: from a page in this session, or as missed ones."""
    from_pages = {key_of(context.store, each.file) for each in context.event_log.kept("replayed")}
    return from_pages | context.responses.replayed


def render(context: InspectorContext, part: str, *, selected: str = "", **values: object) -> str:
    """The right-hand side of the page: alone for the script, else with the list beside it."""
    numbers = shows_numbers()
    if wants_fragment():
        return render_template(part, **values, numbers=numbers)
    query = _query() if request.method == "GET" else Query(numbers=numbers)
    listed = _list_values(context, query)
    return render_template("page.html", part=part, selected=selected, numbers=numbers, **{**listed, **values})


def _receipt_page(context: InspectorContext, key: str, *, tab: str = "", **values: object) -> str:
    """The page of a recording. tab: the one that is open at first."""
    detail = read_detail(context, key, numbers=shows_numbers())
    if detail is None:
        abort(404)
    replayed = _replayed(context)
    return render(context, "_detail.html", selected=key, detail=detail, replayed=replayed, tab=tab, **values)


def _in_form(context: InspectorContext, key: str, form: str) -> bytes:
    path = context.rows.path(key)
    if form == "path":
        return display_path(path).encode()
    if form not in PAGE_FORMS:
        raise UsageError(f"No form is called {form!r}.", hint=f"Use one of: {', '.join(PAGE_FORMS)}, path")
    return export(form, [(path, load(path))], context.options.curl_url)


def _sample_form(context: InspectorContext, key: str, **values: object) -> str:
    shown = preview(_sample_options(context), _paths(context, key))
    total, rules = len(context.index.message_of(key)), {"fields": FIELDS, "headers": HEADERS}
    return render(
        context, "_keep.html", selected=key, key=key, preview=shown, total=total, rules=rules, **values
    )


def _paths(context: InspectorContext, key: str) -> list[Path]:
    """The files that a form for samples is about."""
    keys = context.index.message_of(key) if request.values.get("whole") else (key,)
    return [context.rows.path(each) for each in keys[:MAX_SELECTED]]


def _sample_options(context: InspectorContext) -> SampleOptions:
    if context.options.samples is None:
        raise ConfigurationError(
            "This inspector was started without a place for samples.", hint="Use: devkit keep"
        )
    return context.options.samples
