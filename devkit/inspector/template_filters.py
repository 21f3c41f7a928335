"""Times and foreign text in the words of the page. Values in, text out."""

from datetime import datetime, timedelta, tzinfo

from markupsafe import Markup, escape

from devkit.webhook.masking import printable, spelled

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def visible(text: object) -> Markup:
    """Foreign text for the page: what would not show, or would turn the line around, is spelled out and marked."""
    said = str(text)
    if said.isprintable():
        return escape(said)
    return Markup("").join(
        escape(char) if char.isprintable() else Markup('<span class="escape">{}</span>').format(spelled(char))
        for char in said
    )


def prose(text: str) -> Markup:
    """A sentence of devkit's own tables; what stands between backticks is code."""
    pieces = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(visible(piece)) if place % 2 else visible(piece)
        for place, piece in enumerate(pieces)
    )


def plain(text: object) -> str:
    """As `visible`, for where no mark can stand."""
    return printable(str(text))


def short(text: str, limit: int) -> str:
    """A text cut at a length."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def span(length: timedelta) -> str:
    """A length of time: `340 ms`, `1.9 s`, `12.0 s`, `5 min`, `4 min 05 s`, `71 h 58 min`, `3 d 02 h`."""
    seconds = max(0.0, length.total_seconds())
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return _two(whole // 60, "min", whole % 60, "s")
    if whole <= 3 * 86400:
        return _two(whole // 3600, "h", whole % 3600 // 60, "min")
    return _two(whole // 86400, "d", whole % 86400 // 3600, "h")


def _two(large: int, unit: str, small: int, small_unit: str) -> str:
    return f"{large} {unit} {small:02d} {small_unit}" if small else f"{large} {unit}"


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in one unit."""
    seconds = (now - moment).total_seconds()
    if seconds < 0:
        return "in the future" if seconds < -5 else "now"
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "now" if seconds < 5 else f"{int(seconds)} s ago"


def clock_time(moment: datetime, now: datetime, zone: tzinfo | None, *, fine: bool = False) -> str:
    """A moment by the clock on the wall; with its date, unless that is today's. zone: None for this machine's.

    fine: to the millisecond.
    """
    there, today = moment.astimezone(zone), now.astimezone(zone)
    time = f"{there:%H:%M:%S}" + (f".{there.microsecond // 1000:03d}" if fine else "")
    if there.date() == today.date():
        return time
    return f"{there.day} {there:%b} {time}" if there.year == today.year else f"{there:%Y-%m-%d} {time}"


def exact_time(moment: datetime) -> str:
    """A moment to the millisecond, UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d} UTC"
