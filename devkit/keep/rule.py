"""What becomes of each field and header, as tables, and what a person has decided about the others.

Fields that identify somebody are replaced; the others must have the form that Vonage gives them. A field in neither
table is unknown and stops a redaction.
A header in neither table keeps its place and its name only: proxies add too many to know them all.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from devkit.signature import Method
from devkit.vocabulary import FORMS

FieldMethod = Literal["number", "sender", "pseudonym", "example"]
HeaderMethod = Literal["host", "address", "forwarded"]

SIGNATURE = "sig"
FIELDS: dict[str, FieldMethod] = {
    "msisdn": "number",
    "to": "sender",
    "messageId": "pseudonym",
    "client-ref": "pseudonym",
    "account-ref": "pseudonym",
    "nonce": "pseudonym",
    "api-key": "example",
}

# A network, a price, a result and a time are the same for very many messages.
SAFE_FIELDS = FORMS.keys() - {*FIELDS, SIGNATURE}

HEADERS: dict[str, HeaderMethod] = {
    "host": "host",
    "x-forwarded-host": "host",
    "x-original-host": "host",
    "x-forwarded-for": "address",
    "x-real-ip": "address",
    "x-client-ip": "address",
    "cf-connecting-ip": "address",
    "true-client-ip": "address",
    "forwarded": "forwarded",
}

_WORDS = re.compile(r"[a-zA-Z*][\w*/+.;:=, \"-]{0,120}|", re.ASCII)
SAFE_HEADERS = {
    "accept": _WORDS,
    "accept-charset": _WORDS,
    "accept-encoding": _WORDS,
    "accept-language": _WORDS,
    "cache-control": _WORDS,
    "connection": _WORDS,
    "content-encoding": _WORDS,
    "content-length": re.compile(r"\d{1,9}", re.ASCII),
    "content-type": _WORDS,
    "pragma": _WORDS,
    "transfer-encoding": _WORDS,
    "user-agent": re.compile(r"[A-Za-z][A-Za-z -]{0,40}(/[A-Za-z0-9._-]{1,20}){1,3}", re.ASCII),
    "x-forwarded-port": re.compile(r"\d{1,5}", re.ASCII),
    "x-forwarded-proto": re.compile(r"https?", re.ASCII),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """A person's decisions, and what the project knows.

    allow, redact: names of fields and headers, in any letter case, to keep as they are or to replace like an id.
    secret and method: of the account's signatures. private: secrets that must not stand in a sample, by name.
    """

    allow: frozenset[str] = frozenset()
    redact: frozenset[str] = frozenset()
    secret: str = field(default="", repr=False)
    method: Method = "md5hash"
    private: Mapping[str, str] = field(default_factory=dict, repr=False)

    def allows(self, name: str) -> bool:
        return name.lower() in {each.lower() for each in self.allow}

    def redacts(self, name: str) -> bool:
        return name.lower() in {each.lower() for each in self.redact}
