"""Reads a delivery receipt from a request, and checks its signature."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from flask import Request

# Vonage sends nothing after one of these (support article 115007053127), but `read` after `delivered` in some channels
# of the Messages API. The last two are its own.
FINAL = frozenset({"delivered", "expired", "failed", "rejected", "unknown", "undeliverable", "read"})


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of one part of an SMS, or of a whole message of the Messages API.

    status and err_code: as Vonage sends them, also undocumented ones.
    """

    message_id: str
    status: str
    err_code: str


def fields_of(request: Request) -> dict[str, str]:
    """The fields of the request, in any of the three transports."""
    if not request.is_json:
        return request.values.to_dict()
    body = request.get_json(silent=True)
    return {text_of(name): text_of(value) for name, value in body.items()} if isinstance(body, dict) else {}


def read_receipt(fields: Mapping[str, str]) -> Receipt | None:
    """The receipt in the fields; None for anything else, such as an inbound SMS."""
    if not (fields.get("messageId") and fields.get("status")):
        return None
    return Receipt(fields["messageId"], fields["status"], fields.get("err-code", ""))


def text_of(value: object) -> str:
    """A value as text that can be stored."""
    # JSON can contain a lone surrogate ("\ud800"), which cannot be encoded for a database or a signature.
    return str(value).encode("utf-8", "replace").decode()


def is_signed(fields: Mapping[str, str], secret: str, method: str) -> bool:
    """Whether the signature is valid. method: of the account: md5hash, md5, sha1, sha256 or sha512."""
    # The page "Signing messages" of Vonage's documentation: `&` and `=` in values are replaced, nothing is encoded.
    values = {
        name: fields[name].replace("&", "_").replace("=", "_") for name in sorted(fields) if name != "sig"
    }
    text = "".join(f"&{name}={value}" for name, value in values.items())
    if method == "md5hash":
        right = hashlib.md5(f"{text}{secret}".encode()).hexdigest()
    else:
        right = hmac.digest(secret.encode(), text.encode(), method).hex()
    # As bytes: compare_digest raises for non-ASCII text, which anyone can send.
    return hmac.compare_digest(right.encode(), fields.get("sig", "").lower().encode())
