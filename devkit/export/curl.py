"""A callback as a curl command for any POSIX shell."""

import re
from shlex import quote

from devkit.callback import CONNECTION_HEADERS, FORWARDING_HEADERS, Callback
from devkit.export.shell import is_plain, printf_format, word

# curl and HTTPie make these themselves. Those of the way here would have devkit's own receiver take the request for a
# stranger's.
LEFT_OUT = CONNECTION_HEADERS | FORWARDING_HEADERS | {"host", "content-length"}
_OWN = ("User-Agent", "Accept")  # what curl adds when nothing is said


def curl_command(callback: Callback, url: str) -> str:
    """The command that sends the callback's method, query, headers and body to a URL. Pure ASCII, with a final newline.

    Left out are the headers that belong to a connection or tell the way through proxies; Host and Content-Length
    are curl's own.
    """
    words = ["curl --globoff"]
    words += _method(callback)
    words += [f"-H {word(header)}" for header in _headers(callback)]
    feed = ""
    if _sends_body(callback):
        text = callback.body.decode("latin-1")
        if is_plain(text):
            words.append(f"--data-raw {quote(text)}")
        else:
            feed = f"printf {printf_format(text)} | "
            words.append("--data-binary @-")
    return feed + " \\\n  ".join([*words, *_target(callback, url)]) + "\n"


def _method(callback: Callback) -> list[str]:
    if callback.method == "HEAD":
        return ["--head"]
    usual = "POST" if _sends_body(callback) else "GET"
    return [] if callback.method == usual else [f"-X {quote(callback.method)}"]


def _sends_body(callback: Callback) -> bool:
    return bool(callback.body) or callback.method == "POST"


def _headers(callback: Callback) -> list[str]:
    kept = [(name, value) for name, value in callback.headers if name.lower() not in LEFT_OUT]
    # To curl, `Name;` is a header without a value, and `Name:` keeps curl from sending that header.
    said = [f"{name}: {value}" if value else f"{name};" for name, value in kept]
    added = (*_OWN, "Content-Type") if _sends_body(callback) else _OWN
    return said + [f"{name}:" for name in added if callback.header(name) is None]


def _target(callback: Callback, url: str) -> list[str]:
    if not callback.query:
        return [quote(url)]
    whole = f"{url}?{callback.query}"
    if is_plain(whole) and "#" not in whole:
        return [quote(whole)]
    # curl refuses some of these bytes in a URL, and cuts it at a #.
    path = re.sub(r"^[a-z]+://[^/]*", "", url)
    return [f"--request-target {word(f'{path}?{callback.query}')}", quote(url)]
