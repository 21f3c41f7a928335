"""The address of the relay's engine. Its password is shown nowhere."""

import os
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from devkit.errors import ConfigurationError
from devkit.http.local_access import is_local_name

_SCHEMES = ("redis", "rediss")
_DEFAULT_PORT = 6379
_AS = "Write it as rediss://USER:PASSWORD@HOST:6379/0"


@dataclass(frozen=True, slots=True)
class EngineURL:
    """Where the engine is, and as whom to use it. authority: a file with the certificate to trust; empty for the usual.

    Its text has no password.
    """

    host: str
    port: int = _DEFAULT_PORT
    username: str = ""
    password: str = field(default="", repr=False)
    database: int = 0
    tls: bool = False
    authority: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        password = ":***" if self.password else ""
        user = f"{self.username}{password}@" if self.username or password else ""
        path = f"/{self.database}" if self.database else ""
        return f"redis{'s' if self.tls else ''}://{user}{host}:{self.port}{path}"


def parse_engine_url(text: str, *, allow_plain: bool = False) -> EngineURL:
    """The engine in a URL: `rediss://`, or `redis://` on this machine.

    allow_plain: also `redis://` on another machine, where the network between is as private as a machine.
    Raises ConfigurationError, whose message does not have the URL: it holds a password.
    """
    url = _parse(text)
    if not url.tls and not allow_plain and not is_local_name(url.host):
        raise ConfigurationError(
            f"{url} is another machine, and its connection is not encrypted.",
            hint="Use rediss://, or if the network between is private: --allow-plain",
        )
    return url


def _parse(text: str) -> EngineURL:
    try:
        parts = urlsplit(text)
        port, database = parts.port or _DEFAULT_PORT, int(parts.path.strip("/") or 0)
    except ValueError:
        raise ConfigurationError(
            "DEVKIT_RELAY is not the URL of an engine: its port or database is not a number.", hint=_AS
        ) from None
    # As it was typed, because urlsplit silently drops line breaks and tabs.
    if parts.scheme not in _SCHEMES or not parts.hostname or not all("!" <= char <= "~" for char in text):
        raise ConfigurationError("DEVKIT_RELAY is not the URL of an engine.", hint=_AS)
    return EngineURL(
        parts.hostname,
        port,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        database,
        parts.scheme == "rediss",
        _authority(parts.query),
    )


def _authority(query: str) -> str:
    """The only option that a URL can have. The others of redis-py could switch off what devkit relies on."""
    options = dict(parse_qsl(query, keep_blank_values=True))
    authority = options.pop("ssl_ca_certs", "")
    if options:
        raise ConfigurationError(
            "DEVKIT_RELAY has options after the question mark that devkit does not take.",
            hint="Remove them. A certificate authority of your own is named by ?ssl_ca_certs=FILE",
        )
    if authority and not os.path.isfile(authority):
        raise ConfigurationError(
            f"The certificate that DEVKIT_RELAY names is not a file: {authority!r}.",
            hint="Name a PEM file: ?ssl_ca_certs=/path/to/ca.pem",
        )
    return authority
