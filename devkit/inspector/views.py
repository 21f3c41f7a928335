"""The pages of the inspector."""

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from devkit.errors import DevkitError, UsageError
from devkit.fixture.export import PAGE_FORMS, export
from devkit.fixture.format import load
from devkit.inspector.comparison import compare
from devkit.inspector.context import InspectorContext, relay_state
from devkit.inspector.detail import read_detail
from devkit.inspector.index import entry_of, key_of
from devkit.inspector.replay_form import editable_fields, read_replay_request, require_target, run_replay
from devkit.inspector.search import EVENT_KINDS, Page, Query, read_query

_EVENTS = 200  # shown of a kind that is not recorded
MAX_RECEIPTS = 2_000  # of one action, so that none takes long or needs much memory


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
        key = (request.view_args or {}).get("key", "")
        if key and not is_recording(context, key):
            abort(404)

    return part


def is_recording(context: InspectorContext, key: str) -> bool:
    """Whether a key names an existing recording. Keys come from URLs and forms, and no other file may be opened."""
    entry = entry_of(context.store, key) if key.count("/") == 1 else None
    return entry is not None and entry.path.is_file()


def pages(context: InspectorContext) -> Blueprint:
    """The list, the overview, a recording, its other forms, its replay, and the comparison of two."""
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
        return _diff_page(context, [request.args.get(side, "") for side in ("a", "b")])

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

    return part


def _query() -> Query:
    """The query of this request. Search words are read from a body only, never from a URL."""
    if request.method == "POST":
        return read_query(request.form)
    return read_query({name: value for name, value in request.args.items() if name != "q"})


def _list_values(context: InspectorContext, query: Query) -> dict[str, object]:
    is_about_events = query.kind in EVENT_KINDS
    return {
        "query": query,
        "page": Page(()) if is_about_events else context.search.messages(query),
        "events": context.event_log.kept(query.kind)[:_EVENTS] if is_about_events else [],
        "recorded": context.index.count(),
        "messages": context.index.message_count(),
        "sends": context.event_log.sends(),
        "replayed": _replayed(context),
        "relay": relay_state(context.event_log),
    }


def _replayed(context: InspectorContext) -> set[str]:
    """The recordings that were replayed: from a page in this session, or as missed ones."""
    from_pages = {key_of(context.store, each.file) for each in context.event_log.kept("replayed")}
    return from_pages | context.responses.replayed


def render(context: InspectorContext, part: str, selected: str = "", /, **values: object) -> str:
    """The right-hand side of the page: alone for the script, else with the list beside it.

    selected: the key that is marked in the list.
    """
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
    shown = {"detail": detail, "replayed": _replayed(context), "relay": relay_state(context.event_log)}
    return render(context, "_detail.html", key, tab=tab, **shown, **values)


def _diff_page(context: InspectorContext, keys: list[str]) -> str:
    if not all(is_recording(context, key) for key in keys):
        abort(404)
    left, right = (load(context.rows.path(key)) for key in keys)
    parts = compare(left, right, numbers=shows_numbers())
    rows = [context.rows.read(key) for key in keys]
    return render(context, "_diff.html", keys[1], parts=parts, rows=rows, keys=keys)


def _in_form(context: InspectorContext, key: str, form: str) -> bytes:
    if form not in PAGE_FORMS:
        raise UsageError(f"No form is called {form!r}.", hint=f"Use one of: {', '.join(PAGE_FORMS)}")
    path = context.rows.path(key)
    return export(form, [(path, load(path))], context.options.curl_url)
