"""Recordings with a second spelling of a private value in a place that `devkit keep` does not redact."""

import base64
import json
import re
import string
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote, quote_plus

from hypothesis import strategies as st

from devkit.fixture.format import Fixture
from devkit.webhook.callback import Transport, compose

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
COUNTRY = "999"  # the code of no country: none of the numbers can be dialled
SEEN = "seen"  # the name of what a person has allowed

PUBLIC = {
    "network-code": "23410",
    "price": "0.03330000",
    "status": "delivered",
    "scts": "2001011400",
    "err-code": "0",
    "message-timestamp": "2020-01-01 12:00:00",
    "timestamp": "1577880000",
}
BETWEEN = [
    *" -./_,·:;|*'~",
    "\u00a0",
    "\u2009",
    "\u202f",
    "\u2011",
    "\u2013",
    "\u200b",
    " - ",
    ") ",
    "\t",
    "",
    "",
]
# Zeros of ASCII, full width, Arabic, Devanagari and mathematical digits.
DIGITS = ["".join(chr(zero + digit) for digit in range(10)) for zero in (0x30, 0xFF10, 0x660, 0x966, 0x1D7CE)]


@dataclass(frozen=True)
class Planted:
    """clean: the recording without the second spelling. fixture: with it. place: where, written: how."""

    clean: Fixture
    fixture: Fixture
    place: str
    written: str


@st.composite
def spelt_numbers(draw: st.DrawFn, national: str) -> str:
    """A phone number in any of the ways that people and programs write it."""
    start = draw(st.sampled_from([COUNTRY, f"+{COUNTRY}", f"00{COUNTRY}", f"+{COUNTRY}(0)", "0", ""]))
    between, size = draw(st.sampled_from(BETWEEN)), draw(st.integers(2, 4))
    groups = [start, *(national[at : at + size] for at in range(0, len(national), size))]
    text: str = between.join(filter(None, groups))
    return text.translate(str.maketrans(string.digits, draw(st.sampled_from(DIGITS))))


def wide(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


CASES: list[Callable[[str], str]] = [
    str,
    str.upper,
    str.lower,
    str.casefold,
    str.swapcase,
    str.title,
    wide,
    lambda text: text.replace("i", "\u0130"),
    lambda text: text.translate({ord("i"): "\u0131", ord("I"): "\u0131"}),
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: unicodedata.normalize("NFKC", text.upper()),
]
UUID_MARKS = ["-", "", "_", ":", " ", "\u2011"]
words = st.text("abdeiIßẞöñçÅ\u0130\u0131ςΣ\ufb01" + string.ascii_lowercase, min_size=7, max_size=16).map(
    lambda text: f"Qi{text}"
)
hex_ids = st.text("0123456789ABCDEF", min_size=11, max_size=14).map(lambda text: f"D9E{text}")


def spelt_words(text: str) -> st.SearchStrategy[str]:
    return st.sampled_from(CASES).map(lambda case: case(text))


def spelt_uuids(text: str) -> st.SearchStrategy[str]:
    return st.builds(
        lambda mark, case, form: form.format(case(text.replace("-", mark))),
        st.sampled_from(UUID_MARKS),
        st.sampled_from([str.upper, str.lower]),
        st.sampled_from(["{}", "{{{}}}", "urn:uuid:{}", "id={}."]),
    )


def is_telling(national: str) -> bool:
    """Whether a number can be told from a placeholder, and from the times that stay in the recording."""
    times = [re.sub(r"\D", "", text) for text in (*PUBLIC.values(), WHEN.isoformat())]
    return len(set(national[-8:])) > 2 and not any(national[-6:] in digits for digits in times)


nationals = (
    st.text(string.digits, min_size=8, max_size=10)
    .map(lambda digits: digits.replace("0", "7", 1))
    .filter(is_telling)
)


@st.composite
def private_values(draw: st.DrawFn) -> tuple[str, str, str]:
    """The name of a field, its private value, and another spelling of that."""
    kind = draw(st.sampled_from(["number", "number", "words", "uuid", "id"]))
    if kind == "number":
        name = draw(st.sampled_from(["msisdn", "to", "client-ref", "account-ref"]))
        national = draw(nationals)
        before = draw(st.sampled_from(["", "", "tel:", "to ", "ordre n°"]))
        return name, before + draw(spelt_numbers(national)), draw(spelt_numbers(national))
    if kind == "words":
        name, text = draw(st.sampled_from(["msisdn", "client-ref", "account-ref"])), draw(words)
        return name, draw(spelt_words(text)), draw(spelt_words(text))
    if kind == "uuid":
        name, text = (
            draw(st.sampled_from(["messageId", "client-ref", "nonce"])),
            str(draw(st.uuids(version=4))),
        )
        return (
            name,
            draw(st.sampled_from([text, text.upper(), text.replace("-", "")])),
            draw(spelt_uuids(text)),
        )
    text = draw(hex_ids)
    return draw(st.sampled_from(["messageId", "client-ref"])), text, draw(spelt_words(text))


def every_json(text: str) -> str:
    units = text.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02X}" for at in range(0, len(units), 2))


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "percent": lambda text: quote(text, safe=""),
    "every percent": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "plus": quote_plus,
    "json": lambda text: json.dumps(text)[1:-1],
    "every json": every_json,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "url base64": lambda text: base64.urlsafe_b64encode(b"x" + text.encode()).decode().rstrip("="),
}
encodings = st.lists(st.sampled_from(sorted(ENCODINGS)), max_size=2)


def in_query(fixture: Fixture, text: str) -> Fixture:
    target = fixture.callback.target
    mark = "&" if "?" in target else "?"
    callback = replace(fixture.callback, target=f"{target}{mark}{SEEN}={quote(text, safe='')}")
    return replace(fixture, callback=callback)


def in_header(fixture: Fixture, text: str) -> Fixture:
    return with_header(fixture, SEEN, text.encode().decode("latin-1"))


def in_name(fixture: Fixture, text: str) -> Fixture:
    return with_header(fixture, "x-" + text.encode().decode("latin-1"), "1")


def with_header(fixture: Fixture, name: str, value: str) -> Fixture:
    callback = replace(fixture.callback, headers=(*fixture.callback.headers, (name, value)))
    return replace(fixture, callback=callback)


PLACES = {
    "note": lambda fixture, text: replace(fixture, note=f"about {text}, I think"),
    "tag": lambda fixture, text: replace(fixture, tags=("odd", text)),
    "captured": lambda fixture, text: replace(fixture, captured=text),
    "key of the file": lambda fixture, text: replace(fixture, extra={SEEN: {"deep": [text]}}),
    "key of the request": lambda fixture, text: replace(fixture, request_extra={SEEN: text}),
    "redacted": lambda fixture, text: replace(fixture, redacted={text: "number"}),
    "query": in_query,
    "header": in_header,
    "name of a header": in_name,
}


@st.composite
def planted(draw: st.DrawFn) -> Planted:
    name, value, other = draw(private_values())
    transport: Transport = draw(st.sampled_from(["get", "form", "json"]))
    fields = {
        "msisdn": "0987654321098",
        "to": "AcmeInc",
        "messageId": "0A0000001234567B",
        **PUBLIC,
        name: value,
    }
    clean = Fixture(WHEN, compose(fields, transport))
    for encoding in draw(encodings):
        other = ENCODINGS[encoding](other)
    place = draw(st.sampled_from([*PLACES, "field"]))
    if place == "field":
        return Planted(clean, Fixture(WHEN, compose({**fields, SEEN: other}, transport)), place, other)
    return Planted(clean, PLACES[place](clean, other), place, other)
