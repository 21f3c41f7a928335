"""A new signature for changed fields, with a secret that is public."""

import re

from devkit.callback import Callback
from devkit.catalogue import TEST_SIGNATURE_SECRET
from devkit.fixture import Fixture
from devkit.keep.pseudonym import token
from devkit.keep.rule import Policy
from devkit.receipt import Receipt, Unreadable, read
from devkit.signature import METHODS, Method, has_plain_names, sign, verify

_LENGTHS = {32: ("md5hash", "md5"), 40: ("sha1",), 64: ("sha256",), 128: ("sha512",)}


def method_of(fixture: Fixture, reading: Receipt | Unreadable, policy: Policy) -> Method | None:
    """The method that a recording was signed with; None when its signature was wrong and has to stay wrong.

    Found by checking, else by the signature's length, where the configured method decides between the two of 32.
    """
    if not isinstance(reading, Receipt) or not has_plain_names(reading.fields):
        return None
    for secret in filter(None, (TEST_SIGNATURE_SECRET, policy.secret)):
        for method in METHODS:
            if verify(reading.fields, secret, method) == "valid":
                return method
    if fixture.signature == "invalid" or (policy.secret and fixture.signature != "valid"):
        return None
    signature = reading.text("sig")
    if not re.fullmatch(r"[0-9A-Fa-f]+", signature):
        return None
    candidates = [each for each in METHODS if each in _LENGTHS.get(len(signature), ())]
    return policy.method if policy.method in candidates else next(iter(candidates), None)


def new_signature(old: bytes, changed: Callback, method: Method | None, key: bytes) -> str:
    """The signature of the changed callback, in the old one's letter case; a wrong one when there is no method."""
    reading = read(changed)
    if method is None or not isinstance(reading, Receipt):
        return token(old, key)
    signature = sign(reading.fields, TEST_SIGNATURE_SECRET, method)
    return signature.upper() if old.isupper() else signature
