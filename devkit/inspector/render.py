"""A page, or only the part of it that a script puts into the page that is already there."""

from flask import render_template, request

from devkit.inspector.browse import Page, find_messages
from devkit.inspector.feed import Happening
from devkit.inspector.picture import read_picture
from devkit.inspector.query import EVENT_KINDS, Query, read_query
from devkit.inspector.source import Sources

_EVENTS = 200  # shown of a kind that is not recorded


def wants_fragment() -> bool:
    """Whether the page's own script asks."""
    return "X-Fragment" in request.headers


def asked_query() -> Query:
    """The query of this request. Words to search for are taken from a body only, never from an address."""
    if request.method == "POST":
        return read_query(request.form)
    return read_query({name: value for name, value in request.args.items() if name != "q"})


def list_values(sources: Sources, query: Query) -> dict[str, object]:
    """What the list's template is given."""
    sources.index.refresh()
    events: list[Happening] = []
    page = Page(())
    if query.kind in EVENT_KINDS:
        events = sources.feed.kept(query.kind)[:_EVENTS]
    else:
        page = find_messages(sources.index, sources.rows, query, sources.clock())
    return {
        "query": query,
        "page": page,
        "events": events,
        "recorded": sources.index.count(),
        "sends": sources.sends(),
    }


def render_part(sources: Sources, part: str, *, selected: str = "", **values: object) -> str:
    """The template of the right-hand side: alone for the script, else with the list beside it."""
    if wants_fragment():
        return render_template(part, **values, numbers=shows_numbers())
    query = asked_query() if request.method == "GET" else Query(numbers=shows_numbers())
    return render_template(
        "page.html",
        part=part,
        selected=selected,
        numbers=shows_numbers(),
        **{**list_values(sources, query), **values},
    )


def render_overview(sources: Sources, query: Query) -> str:
    """The first page: the list, and the charts beside it."""
    listed = list_values(sources, query)
    return render_template(
        "page.html",
        part="_overview.html",
        selected="",
        numbers=query.numbers,
        picture=read_picture(sources),
        **listed,
    )


def shows_numbers() -> bool:
    """Whether phone numbers are asked for whole."""
    return request.values.get("numbers", "") in ("1", "true", "on")
