"""The private key that stand-ins are drawn with: made once, kept in `.devkit/`, read by its owner only."""

import re
import secrets
from contextlib import suppress

from devkit import durable
from devkit.errors import ConfigurationError
from devkit.regular_file import read_regular_file
from devkit.session import Project

_MAX_SIZE = 4096  # bytes; one of ours has 64


def load_key(project: Project) -> bytes:
    """The project's key, 32 bytes. Who has it can test a guess against a stand-in, so it is never committed.

    Raises ConfigurationError.
    """
    path = project.private / "redaction-key"
    project.prepare()
    try:
        with suppress(FileExistsError):
            durable.create(path, secrets.token_hex(32).encode())
        text = read_regular_file(path, _MAX_SIZE).decode("latin-1").strip()
    except OSError as error:
        raise ConfigurationError(
            f"Cannot use {path}: {error.strerror}.",
            hint=f"Make {path.parent} readable and writable for yourself, and the key a file.",
        ) from error
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ConfigurationError(
            f"{path} does not hold a key.", hint="Delete it: the next run makes one, and stand-ins change."
        )
    return bytes.fromhex(text)
