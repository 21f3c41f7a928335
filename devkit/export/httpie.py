"""A callback as an HTTPie command for any POSIX shell."""

import re
from collections.abc import Sequence
from shlex import quote
from urllib.parse import quote as percent_encode

from devkit.callback import Callback
from devkit.export.curl import LEFT_OUT
from devkit.export.shell import is_plain, printf_format, word

# What it takes for a URL otherwise, and asks that host.
_METHOD = re.compile(r"[A-Za-z]+")
_SAFE_NAME = re.compile(r"[A-Za-z0-9-]{1,40}")

# "You can use \ to escape characters that shouldn't be used as separators" (httpie.io/docs/cli/escaping-rules). A
# backslash before one of these is therefore lost, and no spelling keeps it: `\\=` gives both backslashes.
_LOST_BACKSLASH = re.compile(r"(?<!\\)(?:\\\\)*+\\[:;=@]")
_URL_TEXT = "".join(map(chr, range(0x21, 0x7F))).replace("#", "")


def httpie_command(callback: Callback, url: str) -> str:
    """The command that sends the callback's method, query, headers and body to a URL. Pure ASCII, ends its line.

    Left out are the headers that curl's command leaves out too. Header values that HTTPie cannot send are left out
    with a comment that says so; for another method than a word of letters there is nothing but a comment.
    Bytes of the query that are no plain ASCII are percent-encoded.
    """
    if not _METHOD.fullmatch(callback.method):
        return "# HTTPie cannot send this method. Use curl instead.\n"
    headers = [pair for pair in callback.headers if pair[0].lower() not in LEFT_OUT]
    unsent = [name for name, value in headers if not _can_be_sent(value)]
    words = [callback.method, quote(_url(callback, url))]
    words += [word(_item(name, value)) for name, value in headers if _can_be_sent(value)]
    # After `--` nothing is an option: a header name may begin with a hyphen.
    start = f"{_feed(callback.body)}http {'' if callback.body else '--ignore-stdin '}-- {' '.join(words[:2])}"
    return _comment(unsent) + " \\\n  ".join([start, *words[2:]]) + "\n"


def _can_be_sent(value: str) -> bool:
    """Whether HTTPie sends the bytes of a header value: as UTF-8, without white space around them."""
    try:
        text = value.encode("latin-1").decode()
    except UnicodeError:
        return False
    return not _LOST_BACKSLASH.search(value) and text.strip() == text.strip(" \t")


def _item(name: str, value: str) -> str:
    if not value:
        return f"{name};"
    # `:=`, `:@` and `:=@` are separators of their own, the last two of which read a file.
    return f"{name}:\\{value}" if value[0] in "=@" else f"{name}:{value}"


def _url(callback: Callback, url: str) -> str:
    if not callback.query:
        return url
    return f"{url}?{percent_encode(callback.query, safe=_URL_TEXT, encoding='latin-1')}"


def _comment(unsent: Sequence[str]) -> str:
    if not unsent:
        return ""
    # Plain names only: an interactive zsh runs what stands in a comment.
    names = sorted({name for name in unsent if _SAFE_NAME.fullmatch(name)})
    return f"# Left out, because HTTPie cannot send the value: {', '.join(names) or 'a header'}\n"


def _feed(body: bytes) -> str:
    text = body.decode("latin-1")
    if not body:
        return ""
    return f"printf %s {quote(text)} | " if is_plain(text) else f"printf {printf_format(text)} | "
