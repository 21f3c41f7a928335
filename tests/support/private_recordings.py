"""Recordings that hold private values, and these values, for the tests of redaction."""

import json
import string
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from hypothesis import strategies as st

from devkit.fixture.format import Fixture
from devkit.webhook.callback import TRANSPORTS, Callback, Transport
from devkit.webhook.signature import METHODS, Method, has_plain_names, sign

KEY = bytes(range(32))
ACCOUNT_SECRET = "the-account's-own-secret"
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PUBLIC_SENDERS = ("AcmeInc", "Bäcker & Co", "Shop24")
UPPER_HEX = "0123456789ABCDEF"


@dataclass(frozen=True)
class Recorded:
    """fields: as the receipt says them. private: the names of those that must not survive, and of the headers."""

    fixture: Fixture
    fields: dict[str, str]
    extra: tuple[str, ...]
    private: tuple[str, ...]
    method: Method | None


def text_of(alphabet: str, least: int, most: int) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=least, max_size=most)


# Each has a prefix of its own, so that no private value occurs in another place by chance.
# The numbers can't be dialled: country codes never begin with 0.
numbers = text_of(string.digits, 6, 9).map(lambda digits: f"0987{digits}")
tokens = text_of(string.ascii_letters + string.digits + "-_", 12, 18).map(lambda text: f"tk-{text}")
references = st.text(st.characters(exclude_categories=["Cs"]), min_size=3, max_size=20).map(
    lambda text: f"ré/{text}"
)
senders = numbers | st.sampled_from(PUBLIC_SENDERS) | references.map(lambda text: text + "@much.too.long")

private_fields = st.fixed_dictionaries(
    {
        "msisdn": numbers,
        "to": senders,
        "messageId": text_of(UPPER_HEX, 11, 14).map(lambda text: f"D9E{text}"),
        "api-key": text_of("0123456789abcdef", 5, 5).map(lambda text: f"c7d{text}"),
    },
    optional={"client-ref": references, "account-ref": references},
)
public_fields = st.fixed_dictionaries(
    {
        "network-code": st.sampled_from(["23410", "310004"]),
        "price": st.just("0.03330000"),
        "status": st.sampled_from(["delivered", "accepted", "failed", "undocumented"]),
        "scts": st.just("2001011400"),
        "err-code": st.sampled_from(["0", "1", "95"]),
        "message-timestamp": st.just("2020-01-01 12:00:00"),
    }
)
other_names = text_of(string.ascii_lowercase + "ä_&= ", 1, 8).map(lambda name: f"x{name}")
other_fields = st.dictionaries(
    other_names, st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=3
)


@st.composite
def recordings(draw: st.DrawFn, transport: Transport | None = None) -> Recorded:
    private, others = draw(private_fields), draw(other_fields)
    fields = {**private, **draw(public_fields), **others}
    names = draw(st.permutations(sorted(fields)))
    fields = {name: fields[name] for name in names}
    # Where a field name holds & or =, no signature can be valid.
    method = draw(st.none() | st.sampled_from(METHODS)) if has_plain_names(fields) else None
    if method:
        fields |= {"timestamp": "1577880000", "nonce": draw(st.uuids(version=4).map(str))}
        signature = sign(fields, ACCOUNT_SECRET, method)
        fields["sig"] = signature.upper() if draw(st.booleans()) else signature
    chosen = draw(st.just(transport) if transport else st.sampled_from(TRANSPORTS))
    token = draw(tokens)
    body = _json(draw, fields) if chosen == "json" else _query(draw, fields)
    callback, private_headers = _callback(chosen, token, body, draw(tokens))
    fixture = Fixture(WHEN, callback, signature="valid" if method else "absent")
    secrets = (*private.values(), *(fields[name] for name in ("sig", "nonce") if name in fields))
    secrets = tuple(value for value in secrets if value not in PUBLIC_SENDERS)
    return Recorded(fixture, fields, tuple(others), (*secrets, token, *private_headers), method)


def _callback(transport: Transport, token: str, text: bytes, cookie: str) -> tuple[Callback, tuple[str, ...]]:
    path = f"/webhooks/delivery-receipt/{token}"
    headers = (
        ("Host", "a1b2-198-18-0-7.tunnel.internal"),
        ("User-Agent", "Nexmo/MessagingHUB/v1.0"),
        ("Accept", "*/*"),
        ("X-Forwarded-For", "198.18.0.7, fd00::7"),
        ("X-Forwarded-Host", "a1b2-198-18-0-7.tunnel.internal"),
        ("X-Forwarded-Proto", "https"),
        ("Cookie", f"session={cookie}"),
        ("X-Request-Id", cookie[::-1]),
    )
    private = ("a1b2-198-18-0-7.tunnel.internal", "198.18.0.7", "fd00::7", cookie, cookie[::-1])
    if transport == "get":
        return Callback("GET", f"{path}?{text.decode()}", headers), private
    content_type = "application/json" if transport == "json" else "application/x-www-form-urlencoded"
    length = (("Content-Length", str(len(text))), ("Content-Type", content_type))
    return Callback("POST", path, (*headers, *length), text), private


def _query(draw: st.DrawFn, fields: dict[str, str]) -> bytes:
    """The fields in any of the many ways to write the same text in a query."""
    return "&".join(f"{_spelt(draw, name)}={_spelt(draw, value)}" for name, value in fields.items()).encode()


def _spelt(draw: st.DrawFn, text: str) -> str:
    style = draw(st.sampled_from(["plus", "percent", "every", "lower"]))
    if style == "every":
        return "".join(f"%{byte:02X}" for byte in text.encode())
    if style == "lower":
        return "".join(
            f"%{byte:02x}" if at % 2 else quote(chr(byte), safe="", encoding="latin-1")
            for at, byte in enumerate(text.encode())
        )
    quoted = quote(text, safe="")
    return quoted.replace("%20", "+") if style == "plus" else quoted


def _json(draw: st.DrawFn, fields: dict[str, str]) -> bytes:
    """The fields as JSON with any white space, and any value escaped or not."""
    space = draw(st.sampled_from(["", " ", "\n\t"]))
    pairs = [
        f"{space}{escaped_json(draw, name)}{space}:{space}{escaped_json(draw, value)}"
        for name, value in fields.items()
    ]
    return f"{space}{{{','.join(pairs)}{space}}}{space}".encode()


def escaped_json(draw: st.DrawFn, text: str) -> str:
    style = draw(st.sampled_from(["plain", "ascii", "every"]))
    if style == "every":
        units = text.encode("utf-16-be")
        return '"' + "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)) + '"'
    return json.dumps(text, ensure_ascii=style == "ascii")
