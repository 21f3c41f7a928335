"""The proof after a redaction: no replaced value stands anywhere any more, however it is written."""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from devkit.keep.spelling import STAND_IN, digits_of, fold, letters_and_digits, subscriber_digits

# Shorter values stand in any text by chance; they are replaced in their place and cannot be looked for elsewhere.
SHORTEST = 6
_SHORTEST_APART = 12  # letters and digits that are looked for with anything between them
_NUMBER = 8  # digits at the end of what can be a phone number, in a value that need not be one
_DEPTH = 4  # encodings inside encodings: JSON in base64 in JSON, and one more

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{8,}")
_ESCAPED = re.compile(rb"(?:\\u[0-9A-Fa-f]{4})+|\\[\"\\/bfnrt]")
_ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}
# Digits, digits with anything between them, and these where they are several numbers.
_RUNS = tuple(map(re.compile, (r"[0-9]+", r"[0-9](?:[\W_]*[0-9])*", r"[0-9](?:[^\w,;/|\n]*[0-9])*")))


@dataclass(frozen=True, slots=True, repr=False)
class Original:
    """A value that was replaced. name: of its field. is_number: a phone number, looked for in other spellings too."""

    name: str
    value: bytes
    is_number: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class _Needles:
    """What to look for: bytes for a value that is no ASCII text, text as it is written, letters and digits only,
    and the last digits of phone numbers.
    """

    raw: frozenset[bytes]
    written: frozenset[str]
    apart: frozenset[str]
    numbers: frozenset[str]


@dataclass(frozen=True, slots=True, repr=False)
class _Haystack:
    """A place in all its decodings, a line for each. without_stand_ins: for values of digits only."""

    raw: bytes
    written: str
    apart: str
    without_stand_ins: str
    digits_apart: str


def find_survivor(
    originals: Iterable[Original], places: Mapping[str, bytes], *, times: Iterable[str] = ()
) -> tuple[str, str] | None:
    """The name of a value that survived, and the place where; None when there is none.

    Looks at each place as it is, percent- and plus-decoded, JSON-unescaped, base64-decoded, and through
    any nesting of these. Case, width and accents are ignored; so is what stands between the digits of a number, and
    between the letters and digits of a longer value.

    times: what stays and may have the digits of another time in common, for example of a header that was removed.
    """
    times = tuple(times)
    wanted = {original: _needles(original, times) for original in originals}
    for place, text in places.items():
        haystack = _haystack(text)
        for original, needles in wanted.items():
            if _is_in(needles, haystack):
                return original.name, place
    return None


def _needles(original: Original, times: Sequence[str]) -> _Needles:
    # A path and a header are known as they were written: elsewhere the same may stand decoded.
    values = {original.value, unquote_to_bytes(original.value)}
    written = {fold(_text(value)) for value in values}
    apart = {letters_and_digits(text) for text in written}
    return _Needles(
        raw=frozenset(value.lower() for value in values if not value.isascii() and len(value) >= SHORTEST),
        written=frozenset(text for text in written if len(text) >= SHORTEST and not _is_time(text, times)),
        apart=frozenset(text for text in apart if len(text) >= _SHORTEST_APART and not text.isdecimal()),
        numbers=frozenset(number for text in written for number in _numbers(text, original, times)),
    )


def _is_time(text: str, times: Sequence[str]) -> bool:
    # Of digits only, it may be a phone number in the place of a time.
    return not text.isdecimal() and any(text in fold(time) for time in times)


def _numbers(text: str, original: Original, times: Sequence[str]) -> Iterator[str]:
    """The last digits of each number that a value may hold."""
    runs = {digits_of(run) for pattern in _RUNS for run in pattern.findall(text)}
    numbers = {run for run in runs if len(run.lstrip("0")) >= _NUMBER}
    if original.is_number:
        shortened = map(subscriber_digits, numbers or {digits_of(text), *runs})
        yield from (number for number in shortened if len(number) >= SHORTEST)
        return
    for number in (each[-_NUMBER:] for each in numbers):
        if len(set(number)) > 2 and not any(number in digits_of(time) for time in times):
            yield number


def _is_in(needles: _Needles, haystack: _Haystack) -> bool:
    return (
        any(raw in haystack.raw for raw in needles.raw)
        or any(
            text in (haystack.without_stand_ins if text.isdecimal() else haystack.written)
            for text in needles.written
        )
        or any(text in haystack.apart for text in needles.apart)
        or any(number in haystack.digits_apart for number in needles.numbers)
    )


def _haystack(text: bytes) -> _Haystack:
    views = _views(text, _DEPTH)
    written = {fold(_text(view)) for view in views}
    # A letter in its place, so that the digits beside it do not become one number.
    others = {STAND_IN.sub("x", view) for view in written}
    return _Haystack(
        raw=b"\n".join(view.lower() for view in views if not view.isascii()),
        written="\n".join(written),
        apart="\n".join(map(letters_and_digits, written)),
        without_stand_ins="\n".join(others),
        digits_apart="\n".join(STAND_IN.sub("x", letters_and_digits(view)) for view in others),
    )


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


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
