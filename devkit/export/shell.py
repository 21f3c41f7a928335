"""Text of latin-1 characters as a word of a command, for any POSIX shell; the bytes are what counts."""

import re
from shlex import quote

_UNSAFE = re.compile(r"[^ -~]|['\\%!]")
_ESCAPES = {"%": "%%", "\n": r"\n", "\r": r"\r", "\t": r"\t"}


def is_plain(text: str) -> bool:
    """Whether a terminal and every shell take the text as it is, when it is quoted."""
    return text.isascii() and text.isprintable()


def word(text: str) -> str:
    """The text as one word, pure ASCII. It holds no NUL and does not end with a line break."""
    return quote(text) if is_plain(text) else f'"$(printf {printf_format(text)})"'


def printf_format(text: str) -> str:
    """The format that has printf write the bytes of the text, quoted."""
    escaped = _UNSAFE.sub(lambda found: _ESCAPES.get(found[0], f"\\{ord(found[0]):03o}"), text)
    if escaped.startswith("-"):  # else it is an option to printf
        escaped = rf"\055{escaped[1:]}"
    return f"'{escaped}'"
