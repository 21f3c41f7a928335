"""Encrypts what the engine keeps of a webhook with the team's key: AES-GCM, after compression."""

import base64
import hashlib
import os
import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from devkit.errors import ConfigurationError, RelayError
from devkit.fixture.format import MAX_SIZE

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY = 32  # bytes
_NONCE = 12  # bytes; random, which is safe for some thousand million entries of a key
_LEVEL = 1  # of zlib: half the size for 25 us; higher ones take longer and save little
_STANDARD = str.maketrans("-_", "+/")  # of the alphabets of base64


@dataclass(frozen=True, slots=True)
class TeamKey:
    """A key, and the id that says which one encrypted an entry. The id tells nothing about the key."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        return hashlib.sha256(b"devkit relay key " + self.secret).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Cipher:
    """The team's keys. The first one encrypts; all decrypt. Without keys the data is only compressed."""

    keys: tuple[TeamKey, ...] = ()

    @property
    def key_id(self) -> str:
        """The id of the key that encrypts; empty without keys."""
        return self.keys[0].id if self.keys else ""

    def encrypt(self, data: bytes, bound: bytes) -> bytes:
        """The data as the engine keeps it. bound: what is beside it in clear, and must not be changed there."""
        packed = zlib.compress(data, _LEVEL)
        if not self.keys:
            return packed
        nonce = os.urandom(_NONCE)
        return nonce + _aes(self.keys[0].secret).encrypt(nonce, packed, bound)

    def decrypt(self, key_id: str, data: bytes, bound: bytes) -> bytes:
        """What `encrypt` got. key_id: of the key that encrypted it; empty for none.

        Raises RelayError, also with keys for data that is not encrypted.
        """
        if key_id:
            data = self._decrypt(key_id, data, bound)
        elif self.keys:  # else a program that may append to the engine could forge an entry without a key
            raise RelayError(
                "it is not encrypted, and DEVKIT_RELAY_KEY is set",
                hint="Find out who can write to the engine. If the entry is older than the key: devkit follow --skip",
            )
        try:
            inflater = zlib.decompressobj()
            plain = inflater.decompress(data, MAX_SIZE)  # a few bytes of it can become very many
        except zlib.error:
            plain = b""
        if not plain or not inflater.eof:
            raise RelayError("it is damaged", hint="Skip it: devkit follow --skip")
        return plain

    def _decrypt(self, key_id: str, data: bytes, bound: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag

        key = next((key for key in self.keys if key.id == key_id), None)
        if key is None:
            own = f"DEVKIT_RELAY_KEY holds {self._ids()}" if self.keys else "DEVKIT_RELAY_KEY is not set"
            raise RelayError(
                f"it is encrypted with the key {key_id}, and {own}",
                hint="Ask your team for the key, and put it into .env: DEVKIT_RELAY_KEY=...",
            )
        try:
            return _aes(key.secret).decrypt(data[:_NONCE], data[_NONCE:], bound)
        except (InvalidTag, ValueError):  # ValueError: it is too short
            raise RelayError(
                f"it was changed on the engine after it was encrypted with the key {key_id}",
                hint="Find out who can write to the engine. To go on without it: devkit follow --skip",
            ) from None

    def _ids(self) -> str:
        return " and ".join(key.id for key in self.keys)


@lru_cache(maxsize=8)
def _aes(secret: bytes) -> "AESGCM":
    """The cipher of a key, made once: to make it takes longer than to encrypt a receipt."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # here: it loads OpenSSL

    return AESGCM(secret)


def parse_keys(text: str) -> Cipher:
    """The cipher for `DEVKIT_RELAY_KEY`: one key, or several with commas during a change. Raises ConfigurationError."""
    parts = text.split(",") if text.strip() else []
    keys = []
    for number, part in enumerate(parts, 1):
        secret = _decoded(part.strip())
        if len(secret) != _KEY:
            which = f"key {number} of DEVKIT_RELAY_KEY" if len(parts) > 1 else "DEVKIT_RELAY_KEY"
            raise ConfigurationError(
                f"{which} is not {_KEY} bytes as base64.", hint="Make one: openssl rand -base64 32"
            )
        keys.append(TeamKey(secret))
    return Cipher(tuple(keys))


def _decoded(text: str) -> bytes:
    """The bytes in base64, of either alphabet, with or without padding; none in another text."""
    try:
        return base64.b64decode(text.translate(_STANDARD).rstrip("=") + "=", validate=True)
    except ValueError:
        return b""
