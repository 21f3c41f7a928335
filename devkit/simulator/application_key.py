"""The keys of applications. Programs sign their calls to the Messages API with the private key."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from pathlib import Path

from devkit.durable import files as durable
from devkit.durable.lock import in_turn, is_alive
from devkit.durable.regular_file import read_regular_file
from devkit.errors import ConfigurationError

_BITS = 2048
_PUBLIC_EXPONENT = 65537
_MAX_SIZE = 64 * 1024  # bytes
_PREFIX = "devkit-simulator-"  # of a temporary directory; then the number of its process

# cryptography takes long to import, and most simulators never need a key.


def make_private_key() -> str:
    """A new RSA key as PEM, PKCS #8 as Vonage gives it. Takes about a tenth of a second."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(_PUBLIC_EXPONENT, _BITS)
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode("ascii")


@cache
def default_private_key() -> str:
    """The private key of all applications that this process makes without one."""
    return make_private_key()


@lru_cache
def public_key_of(private_key: str) -> str:
    """The public key of a private one, both as PEM. Raises ValueError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        key = serialization.load_pem_private_key(private_key.encode("utf-8"), None).public_key()
    except (TypeError, UnsupportedAlgorithm) as error:  # needs a password; a type that nobody knows
        raise ValueError(str(error)) from error
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form).decode("ascii")


def private_key_in(directory: Path) -> Path:
    """The file of the private key in a directory; created if it is missing or broken. Raises ConfigurationError."""
    path = directory / "application.pem"
    try:
        durable.make_directory(directory)
        with in_turn(directory):
            with suppress(FileNotFoundError, ValueError):
                public_key_of(read_regular_file(path, _MAX_SIZE).decode("ascii"))
                return path
            durable.replace(path, make_private_key().encode("ascii"))
    except OSError as error:
        raise ConfigurationError(
            f"Cannot keep the private key of the application in {directory}: {error.strerror}.",
            hint="Make it a directory that you can write to.",
        ) from error
    return path


@contextmanager
def temporary_private_key(parent: Path | None = None) -> Iterator[Path]:
    """The file of a new private key in a directory of its own; removed at the end, or by the next call after a SIGKILL.

    parent: where the directory is; None for the system's place for temporary files. Raises ConfigurationError.
    """
    try:
        parent = parent or Path(tempfile.gettempdir())
        _remove_left_keys(parent)
        directory = tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent)
    except OSError as error:
        place = f" in {parent}" if parent else ""
        raise ConfigurationError(
            f"The private key of the application gets no directory{place}: {error.strerror}.",
            hint="Free disk space, set TMPDIR to a directory that you can write to, or name a key: --private-key FILE",
        ) from error
    with directory as name:
        yield private_key_in(Path(name))


def _remove_left_keys(parent: Path) -> None:
    for directory in parent.glob(f"{_PREFIX}*-*"):
        pid = directory.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdecimal() and not is_alive(int(pid)):
            shutil.rmtree(directory, ignore_errors=True)  # not that of another user, nor what a link leads to
