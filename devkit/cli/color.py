"""Colours on a terminal: which status has which, by names that click and rich share, and whether there are any."""

from collections.abc import Mapping

_COLOURS = {
    "delivered": "green",
    "accepted": "yellow",
    "buffered": "yellow",
    "failed": "red",
    "rejected": "red",
    "expired": "red",
    "unknown": "bright_black",
}


def color(status: str) -> str:
    """The colour of a status; magenta for one that no document lists."""
    return _COLOURS.get(status, "magenta")


def color_enabled(environ: Mapping[str, str]) -> bool | None:
    """What click's `color` is to be: False when NO_COLOR is set, else None, which means: on a terminal."""
    return False if environ.get("NO_COLOR") else None
