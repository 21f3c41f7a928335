"""The proof after a redaction: no replaced value stands anywhere any more, however it is written."""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from devkit.message_id import is_uuid

# Shorter values stand in any text by chance; they are replaced in their place and cannot be looked for elsewhere.
SHORTEST = 6
_DEPTH = 4  # encodings inside encodings: JSON in base64 in JSON, and one more
_SUBSCRIBER = 9  # the digits at the end of a phone number that are the same in each way to write it

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{8,}")
_ESCAPED = re.compile(rb"(?:\\u[0-9A-Fa-f]{4})+|\\[\"\\/bfnrt]")
_ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_IN_UUID = re.compile(
    rb"(?<=[0-9a-f])[-_](?=[0-9a-f])"
)  # file names have underscores there, others nothing at all
_BETWEEN_DIGITS = re.compile(rb"(?<=\d)[\s().+-]+(?=\d)")
_STAND_IN = re.compile(rb"(?<!\d)447700900\d{3}(?!\d)")  # may end like a real number by chance


@dataclass(frozen=True, slots=True, repr=False)
class Original:
    """A value that was replaced. name: of its field. is_number: a phone number, looked for in other spellings too."""

    name: str
    value: bytes
    is_number: bool = False

    @property
    def is_uuid(self) -> bool:
        return is_uuid(self.value.decode("latin-1"))


def find_survivor(originals: Iterable[Original], places: Mapping[str, bytes]) -> tuple[str, str] | None:
    """The name of a value that survived, and the place where; None when there is none.

    Looks at each place as it is, percent- and plus-decoded, JSON-unescaped, base64-decoded, and through
    any nesting of these. Letter case is ignored.
    """
    wanted = [each for each in originals if len(_needle(each)) >= SHORTEST]
    for place, text in places.items():
        views = {view.lower() for view in _views(text, _DEPTH)}
        joined = {_IN_UUID.sub(b"", view) for view in views}
        compact = {_STAND_IN.sub(b"", _BETWEEN_DIGITS.sub(b"", view)) for view in views}
        for original in wanted:
            spelled = compact if original.is_number else joined if original.is_uuid else views
            if any(_needle(original) in view for view in spelled):
                return original.name, place
    return None


def _needle(original: Original) -> bytes:
    if original.is_uuid:
        return original.value.lower().replace(b"-", b"")
    if not original.is_number:
        return original.value.lower()
    digits = re.sub(rb"\D", b"", original.value)
    return digits[-_SUBSCRIBER:] if len(digits) > _SUBSCRIBER + 1 else digits


def _views(text: bytes, depth: int) -> set[bytes]:
    seen: set[bytes] = set()
    latest = {text}
    for _ in range(depth):
        seen |= latest
        latest = {other for view in latest for other in _decoded(view)} - seen
    return seen | latest


def _decoded(text: bytes) -> Iterator[bytes]:
    yield unquote_to_bytes(text)
    yield unquote_to_bytes(text.replace(b"+", b" "))
    yield _ESCAPED.sub(_unescape, text)
    runs = _BASE64.findall(text)
    for offset in range(4) if runs else ():  # what is encoded may begin anywhere in a run
        yield b"\n".join(_from_base64(run[offset:]) for run in runs)


def _unescape(match: re.Match[bytes]) -> bytes:
    if match[0][1:2] != b"u":
        return _ESCAPES.get(match[0][1:], match[0][1:])
    units = bytes.fromhex(match[0].replace(b"\\u", b"").decode())
    return units.decode("utf-16-be", "surrogatepass").encode("utf-8", "surrogatepass")


def _from_base64(run: bytes) -> bytes:
    whole = run[: len(run) - (len(run) % 4 == 1)].translate(bytes.maketrans(b"-_", b"+/"))
    return base64.b64decode(whole + b"=" * (-len(whole) % 4))
