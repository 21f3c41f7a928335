"""The pages that do something: send a recording again, make a sample of it."""

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from devkit.errors import ConfigurationError, DevkitError
from devkit.fixture import load
from devkit.inspector.feed import ReplayDone
from devkit.inspector.keeping import Keeping, keep, propose
from devkit.inspector.order import Order, editable_fields, read_order
from devkit.inspector.page import checked, receipt_page
from devkit.inspector.render import render_part, shows_numbers, wants_fragment
from devkit.inspector.source import Sources
from devkit.selector import shown


def actions(sources: Sources) -> Blueprint:
    """Replay and keep."""
    part = Blueprint("actions", "devkit.inspector")

    @part.post("/receipts/<path:key>/replay")
    def replay(key: str) -> str | Response:
        fields = editable_fields(load(sources.rows.path(checked(sources, key))), numbers=shows_numbers())
        try:
            order_replay(sources, key, read_order(request.form, request.form.getlist("unset"), fields))
        except DevkitError as error:  # such as a target that is not on this machine
            return receipt_page(sources, key, tab="replays", refused=error)
        if wants_fragment():
            return receipt_page(sources, key, tab="replays")
        return redirect(url_for("pages.receipt", key=key) + "#replays", 303)

    @part.get("/receipts/<path:key>/keep")
    def proposal(key: str) -> str:
        return _proposal(sources, checked(sources, key))

    @part.post("/receipts/<path:key>/keep")
    def make_sample(key: str) -> str:
        checked(sources, key)
        name = request.form.get("name", "").strip()
        try:
            sample = keep(_keeping(sources), sources.rows.path(key), name)
        except DevkitError as error:
            return _proposal(sources, key, name=name, refused=error)
        return render_part(sources, "_kept.html", selected=key, key=key, file=shown(sample.path))

    return part


def order_replay(sources: Sources, key: str, order: Order) -> ReplayDone:
    """Carry an order out, and tell the pages. Raises DevkitError."""
    path = sources.rows.path(key)
    result = sources.replay(path, order)
    done = ReplayDone(
        file=str(path),
        to=order.to or sources.options.default_target,
        edited=not order.is_plain,
        outcome=result.outcome,
        answer=result.answer,
        ms=result.ms,
        problem=result.problem,
        hint=result.hint,
    )
    sources.feed.publish(done)
    return done


def _proposal(sources: Sources, key: str, **values: object) -> str:
    proposal = propose(_keeping(sources), sources.rows.path(key))
    return render_part(sources, "_keep.html", selected=key, key=key, proposal=proposal, **values)


def _keeping(sources: Sources) -> Keeping:
    if sources.options.keeping is None:
        raise ConfigurationError(
            "This inspector was started without a place for samples.", hint="Use: devkit keep"
        )
    return sources.options.keeping
