"""Reads a delivery receipt out of a request, and checks its signature."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from flask import Request

# Vonage sends nothing after one of these (support article 115007053127).
FINAL = frozenset({"delivered", "expired", "failed", "rejected", "unknown"})


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one part of an SMS. status and err_code: Vonage's words, also those that no document lists."""

    message_id: str
    status: str
    err_code: str


def fields_of(request: Request) -> dict[str, str]:
    """The fields, in whichever of the three ways the account is set to send them; none when there are none."""
    if not request.is_json:
        return request.values.to_dict()
    body = request.get_json(silent=True)
    return {_text(name): _text(value) for name, value in body.items()} if isinstance(body, dict) else {}


def read_receipt(fields: Mapping[str, str]) -> Receipt | None:
    """The receipt in the fields; None when they are something else, such as an inbound SMS."""
    if not (fields.get("messageId") and fields.get("status")):
        return None
    return Receipt(fields["messageId"], fields["status"], fields.get("err-code", ""))


def _text(value: object) -> str:
    # JSON can name half a character ("\ud800"), which neither a database nor a signature can hold.
    return str(value).encode("utf-8", "replace").decode()


def is_signed(fields: Mapping[str, str], secret: str, method: str) -> bool:
    """Whether the signature is right. method: md5hash, md5, sha1, sha256 or sha512, as the account's settings say."""
    # The page "Signing messages" of Vonage's documentation: `&` and `=` in values are replaced, nothing is encoded.
    values = {
        name: fields[name].replace("&", "_").replace("=", "_") for name in sorted(fields) if name != "sig"
    }
    text = "".join(f"&{name}={value}" for name, value in values.items())
    if method == "md5hash":
        right = hashlib.md5(f"{text}{secret}".encode()).hexdigest()
    else:
        right = hmac.digest(secret.encode(), text.encode(), method).hex()
    # As bytes: compare_digest raises for text that is not ASCII, and a stranger may send any.
    return hmac.compare_digest(right.encode(), fields.get("sig", "").lower().encode())
