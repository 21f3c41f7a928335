"""A callback as an HTTPie command for any POSIX shell."""

from base64 import b64encode
from shlex import quote

from devkit.callback import CONNECTION_HEADERS, FORWARDING_HEADERS, Callback

# HTTPie makes these itself; those of the way here would have devkit's own receiver take it for a stranger's.
_LEFT_OUT = CONNECTION_HEADERS | FORWARDING_HEADERS | {"host", "content-length"}


def httpie_command(callback: Callback, url: str) -> str:
    """The command that sends the callback's method, query, headers and body to a URL. With a final newline.

    A body that is not plain text goes through base64. Header values are sent as UTF-8 by HTTPie.
    """
    words = ["http --ignore-stdin" if not callback.body else "http", callback.method]
    words.append(quote(f"{url}?{callback.query}" if callback.query else url))
    for name, value in callback.headers:
        if name.lower() not in _LEFT_OUT:
            words.append(quote(f"{name}:{value}" if value else f"{name};"))
    return (
        f"{_feed(callback.body)}{' '.join(words[:3])}"
        + "".join(f" \\\n  {word}" for word in words[3:])
        + "\n"
    )


def _feed(body: bytes) -> str:
    if not body:
        return ""
    text = body.decode("latin-1")
    if text.isascii() and text.isprintable():
        return f"printf %s {quote(text)} | "
    return f"echo {b64encode(body).decode()} | base64 -d | "
