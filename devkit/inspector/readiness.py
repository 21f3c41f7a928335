"""Whether the session takes receipts now: a URL for scripts that start one. Described in docs/ci.md."""

from typing import Literal

from flask import Blueprint

from devkit.events.session import Ready, TunnelChanged
from devkit.inspector.context import InspectorContext

State = Literal["starting", "ready", "tunnel lost", "relay lost", "stopping"]


def readiness(context: InspectorContext) -> Blueprint:
    """200 when the session takes receipts, else 503."""
    part = Blueprint("readiness", "devkit.inspector")

    @part.get("/ready")
    def ready() -> tuple[dict[str, object], int]:
        state, announced = session_state(context), _newest_ready(context)
        is_ready = state == "ready"
        mode = announced.mode if announced else None
        return {"ready": is_ready, "state": state, "mode": mode}, 200 if is_ready else 503

    return part


def session_state(context: InspectorContext) -> State:
    """The state of the session, in a word or two."""
    if context.options.stopping():
        return "stopping"
    if _newest_ready(context) is None:
        return "starting"
    changes = [logged.event for logged in context.event_log.kept("tunnel")]
    newest = next((each.state for each in changes if isinstance(each, TunnelChanged)), "")
    # The others are those of a tunnel that opens. After `restarted` the new URL is not checked yet.
    is_lost = newest in ("lost", "reconnecting", "restarted", "failed")
    if is_lost:
        return "tunnel lost"
    # By the name of the field: a session without a relay imports nothing of it.
    relay = next((getattr(logged.event, "state", "") for logged in context.event_log.kept("relay")), "")
    return "relay lost" if relay == "reconnecting" else "ready"


def _newest_ready(context: InspectorContext) -> Ready | None:
    events = (logged.event for logged in context.event_log.kept("ready"))
    return next((event for event in events if isinstance(event, Ready)), None)
