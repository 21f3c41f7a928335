"""Times and received text as a page shows them: the filters of the templates."""

from datetime import datetime, timedelta, tzinfo
from unicodedata import bidirectional

from jinja2 import Environment
from markupsafe import Markup, escape

from devkit.webhook.masking import escaped_char, mask_number, mask_numbers_in, printable
from devkit.webhook.receipt import Webhook, reason, short_id
from devkit.webhook.timeline import SENT
from devkit.webhook.vocabulary import ALL_STATUSES

_RIGHT_TO_LEFT = ("R", "AL", "AN")  # Hebrew, Arabic, Arabic digits


def register_filters(environment: Environment) -> None:
    """Add the filters, and the rules on white space, to the environment of the templates."""
    environment.trim_blocks = environment.lstrip_blocks = True
    for template_filter in (
        visible,
        prose,
        plain,
        short,
        masked,
        masked_text,
        message_text,
        why,
        noun,
        error_name,
        signature_name,
        chip,
        duration,
        exact_time,
        short_id,
        status_class,
    ):
        environment.filters[template_filter.__name__] = template_filter


def visible(text: object) -> Markup:
    """Received text as HTML. Characters that are invisible or reverse the line are escaped and marked.

    Letters that are written from right to left are isolated: they do not change the order of what is beside them.
    """
    received = str(text)
    if received.isascii() and received.isprintable():
        return escape(received)
    shown = Markup("").join(
        escape(char)
        if char.isprintable()
        else Markup('<span class="escape">{}</span>').format(escaped_char(char))
        for char in received
    )
    is_reversed = any(bidirectional(char) in _RIGHT_TO_LEFT for char in received)
    return Markup("<bdi>{}</bdi>").format(shown) if is_reversed else shown


def plain(text: object) -> str:
    """As `visible`, for attributes, where no mark is possible."""
    return printable(str(text))


def prose(text: str) -> Markup:
    """A sentence of devkit's own tables, in which backticks mark code."""
    pieces = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(visible(piece)) if place % 2 else visible(piece)
        for place, piece in enumerate(pieces)
    )


def short(text: str, limit: int) -> str:
    """The text, cut to a number of characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def masked(text: str, whole: bool) -> str:
    """A number, or the text that is in its place. whole: the reader asked for numbers that are not masked."""
    return text if whole else mask_number(text)


def masked_text(text: str, whole: bool) -> str:
    """As `masked`, for a text that may have numbers in it."""
    return text if whole else mask_numbers_in(text)


def message_text(text: str) -> Markup:
    """What a person wrote, as HTML with its line breaks."""
    return Markup("<br>").join(visible(line) for line in text.splitlines())


def why(webhook: Webhook) -> str:
    """The error of a webhook in words; empty when it adds nothing to the status."""
    return reason(webhook.err_code, webhook.status)


_NOUNS = {
    "sms-receipt": "receipt",
    "messages-status": "status",
    "sms-inbound": "message",
    "messages-inbound": "message",
    "unreadable": "request",
}


def noun(kind: str) -> str:
    """What a page calls one webhook of a kind."""
    return _NOUNS.get(kind, "webhook")


def error_name(kind: str) -> str:
    """What a kind of webhook calls the number of its error."""
    return "error" if kind == "messages-status" else "err-code"


def signature_name(kind: str) -> str:
    """How a kind of webhook is signed."""
    return "signature" if kind in ("sms-receipt", "sms-inbound", "unreadable") else "token"


def chip(status: str, limit: int = 24) -> Markup:
    """A status as a label in its colour. limit: characters."""
    words = visible(short(status, limit)) or "unreadable"
    return Markup('<span class="status s-{}">{}</span>').format(status_class(status), words)


def status_class(status: str) -> str:
    """The CSS class of a status. Only documented statuses name their own: received text must not name a class."""
    return status if status in (*ALL_STATUSES, SENT) else "other" if status else "unreadable"


def duration(length: timedelta) -> str:
    """A duration: `340 ms`, `1.9 s`, `12.0 s`, `5 min`, `4 min 05 s`, `71 h 58 min`, `3 d 02 h`."""
    seconds = max(0.0, length.total_seconds())
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return _in_two_units(whole, 60, "min", 1, "s")
    if whole <= 3 * 86400:
        return _in_two_units(whole, 3600, "h", 60, "min")
    return _in_two_units(whole, 86400, "d", 3600, "h")


def _in_two_units(seconds: int, large: int, large_unit: str, small: int, small_unit: str) -> str:
    count, rest = divmod(seconds, large)
    smaller = rest // small
    return f"{count} {large_unit} {smaller:02d} {small_unit}" if smaller else f"{count} {large_unit}"


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in one unit."""
    seconds = (now - moment).total_seconds()
    if seconds < 0:
        return "in the future" if seconds < -5 else "now"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "now" if seconds < 5 else f"{int(seconds)} s ago"


def clock_time(moment: datetime, now: datetime, zone: tzinfo | None, *, fine: bool = False) -> str:
    """A local time, with the date unless it is today. zone: None for that of this machine. fine: milliseconds."""
    local, today = moment.astimezone(zone), now.astimezone(zone)
    time = f"{local:%H:%M:%S}" + (f".{local.microsecond // 1000:03d}" if fine else "")
    if local.date() == today.date():
        return time
    return f"{local.day} {local:%b} {time}" if local.year == today.year else f"{local:%Y-%m-%d} {time}"


def day(moment: datetime, zone: tzinfo | None) -> str:
    """A local day: `17 Nov`."""
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b}"


def interval(start: datetime, end: datetime, zone: tzinfo | None) -> str:
    """Two local times: `23 Nov 12:20 to 12:25`. zone: None for that of this machine."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    form = "%H:%M:%S" if first.second or last.second else "%H:%M"
    until = "" if first.date() == last.date() else f"{last.day} {last:%b} "
    return f"{first.day} {first:%b} {first.strftime(form)} to {until}{last.strftime(form)}"


def time_tag(moment: datetime, now: datetime, zone: tzinfo | None) -> Markup:
    """A time and how long ago it was; the page's script keeps the latter current."""
    return Markup(
        '<time datetime="{}" title="{}"><span class="at">{}</span> <span class="ago">{}</span></time>'
    ).format(moment.isoformat(), exact_time(moment), clock_time(moment, now, zone), ago(moment, now))


def exact_time(moment: datetime) -> str:
    """A time to the millisecond, UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d} UTC"
