"""The pages that only show."""

from flask import Blueprint, Response, abort, render_template, request

from devkit.errors import UsageError
from devkit.export import PAGE_FORMS, export
from devkit.fixture import load
from devkit.inspector.detail import read_detail
from devkit.inspector.difference import compare
from devkit.inspector.index import entry_of
from devkit.inspector.picture import read_picture
from devkit.inspector.render import asked_query, list_values, render_overview, render_part, shows_numbers
from devkit.inspector.source import Sources
from devkit.selector import shown


def pages(sources: Sources) -> Blueprint:
    """The list, the overview, a recording, two recordings compared, and a recording in other forms."""
    part = Blueprint("pages", "devkit.inspector")

    @part.route("/", methods=["GET", "POST"])
    def home() -> str:
        return render_overview(sources, asked_query())

    @part.post("/list")
    def messages() -> str:
        return render_template("_list.html", selected="", **list_values(sources, asked_query()))

    @part.get("/overview")
    def overview() -> str:
        sources.index.refresh()
        picture = read_picture(sources)
        return render_part(sources, "_overview.html", picture=picture, recorded=picture.recorded)

    @part.get("/receipts/<path:key>")
    def receipt(key: str) -> str:
        return receipt_page(sources, key)

    @part.get("/receipts/<path:key>/as/<form>")
    def other_form(key: str, form: str) -> Response:
        return Response(in_form(sources, checked(sources, key), form), mimetype="text/plain")

    @part.get("/diff")
    def diff() -> str:
        keys = [checked(sources, request.args.get(side, "")) for side in ("a", "b")]
        left, right = (load(sources.rows.path(key)) for key in keys)
        parts = compare(left, right, numbers=shows_numbers())
        rows = [sources.rows.read(key) for key in keys]
        return render_part(sources, "_diff.html", parts=parts, rows=rows, keys=keys, selected=keys[1])

    return part


def checked(sources: Sources, key: str) -> str:
    """The key, if devkit names recordings so and there is one. Keys come from addresses; nothing else is opened."""
    entry = entry_of(sources.store, key)
    if entry is None or key.count("/") != 1 or not entry.path.is_file():
        abort(404)
    return key


def receipt_page(sources: Sources, key: str, *, tab: str = "", **values: object) -> str:
    """The page of a recording. tab: the part of it to begin with."""
    sources.index.refresh()
    detail = read_detail(sources, checked(sources, key), numbers=shows_numbers())
    if detail is None:
        abort(404)
    return render_part(sources, "_detail.html", selected=key, detail=detail, tab=tab, **values)


def in_form(sources: Sources, key: str, form: str) -> bytes:
    """A recording in one of the forms to copy. Raises UsageError."""
    path, url = sources.rows.path(key), sources.options.curl_url
    if form == "path":
        return shown(path).encode()
    if form not in PAGE_FORMS:
        raise UsageError(f"No form is called {form!r}.", hint=f"Use one of: {', '.join(PAGE_FORMS)}, path")
    return export(form, [(path, load(path))], url)
