"""The files behind https: what the simulator shows, and what other programs are told to trust. Kept across restarts."""

import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from devkit import durable
from devkit.errors import ConfigurationError
from devkit.regular_file import read_regular_file

_MAX_SIZE = 4 * 1024 * 1024  # bytes; what programs usually trust has some hundred thousand


@dataclass(frozen=True, slots=True)
class Trust:
    """identity: the server's key and certificates, for nobody else. authority: the certificate to trust.
    bundle: the same, after all that programs usually trust.
    """

    identity: Path
    authority: Path
    bundle: Path

    def context(self) -> ssl.SSLContext:
        """What the server's side of a connection is opened with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.identity)
        return context


def trust_in(directory: Path, now: datetime) -> Trust:
    """The files in a directory, made when they are missing, broken or about to expire. Raises ConfigurationError.

    What is to be trusted changes only with the key.
    """
    # Here, because it takes long to import, and only --tls needs it.
    from devkit.simulator.certificate import authority_of

    trust = Trust(directory / "server.pem", directory / "ca.pem", directory / "bundle.pem")
    try:
        durable.make_directory(directory)
        authority = authority_of(_identity(trust.identity, now))
        _keep(trust.authority, authority)
        _keep(trust.bundle, _usual() + authority)
    except OSError as error:
        raise ConfigurationError(
            f"Cannot keep certificates in {directory}: {error.strerror}.",
            hint="Make it a directory that you can write to, or leave out --tls.",
        ) from error
    return trust


def _identity(path: Path, now: datetime) -> bytes:
    from devkit.simulator.certificate import is_usable, issue

    with suppress(FileNotFoundError):
        kept = read_regular_file(path, _MAX_SIZE)
        if is_usable(kept, now):
            return kept
        durable.remove(path)
    with suppress(FileExistsError):  # another simulator was quicker
        durable.create(path, issue(now))
    return read_regular_file(path, _MAX_SIZE)


def _keep(path: Path, data: bytes) -> None:
    with suppress(FileNotFoundError):
        if read_regular_file(path, _MAX_SIZE) == data:
            return
    durable.replace(path, data)


def _usual() -> bytes:
    # What requests trusts without REQUESTS_CA_BUNDLE: so a program still reaches the rest of the world.
    import certifi

    return Path(certifi.where()).read_bytes()
