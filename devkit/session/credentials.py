"""Credentials beside a key and a secret in the settings: those of the Vonage CLI, and the key of an application.

Of the Vonage CLI (`vonage auth set`), places, order and names are those of
https://developer.vonage.com/en/vonage-cli/guides/authentication-security/auth and of
src/middleware/config.js of github.com/Vonage/vonage-cli.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from devkit.durable.regular_file import read_regular_file
from devkit.errors import ConfigurationError
from devkit.webhook.strict_json import InvalidJson, parse

if TYPE_CHECKING:  # only types: most commands need neither
    from devkit.session.project import Session
    from devkit.session.settings import Settings
    from devkit.vonage.client import ApplicationKey

_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_MAX_SIZE = 64 * 1024  # bytes of a file
_MAX_DEPTH = 10  # of the file of the Vonage CLI, which has 1
_HINT = (
    "Use the private.key that the Vonage dashboard gave for this application, or generate a new one there."
)


def read_cli_credentials(file: Path) -> tuple[str, str]:
    """The key and the secret in a file of the Vonage CLI; both empty when it has only those of an application.

    Raises ConfigurationError.
    """
    try:
        values = parse(read_regular_file(file, _MAX_SIZE), max_depth=_MAX_DEPTH)
    except OSError as error:
        raise _unusable(file, error.strerror or "it cannot be read") from error
    except InvalidJson as error:  # without its text, which may quote a secret
        raise _unusable(file, "it is not JSON") from error
    if not isinstance(values, dict):
        raise _unusable(file, "it holds no JSON object")
    key, secret = (
        str(values.get(f"api{name}") or values.get(f"api-{name.lower()}") or "").strip()
        for name in ("Key", "Secret")
    )
    if bool(key) != bool(secret):
        raise _unusable(file, f"the API {'secret' if key else 'key'} is missing in it")
    return key, secret


def _unusable(file: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"Cannot use the credentials of the Vonage CLI in {file}: {reason}.",
        hint="Write it again: vonage auth set. Or put VONAGE_API_KEY and VONAGE_API_SECRET into .env.",
    )


def parse_application_id(text: str, name: str = "--application") -> str:
    """The id of a Vonage application in lower case; empty for none. Raises ConfigurationError."""
    if not text or _ID.fullmatch(text):
        return text.lower()
    raise ConfigurationError(
        f"{name} is {text!r}, which is not the id of an application.",
        hint="Copy it from the Vonage dashboard, Applications: 78d335fa-323d-0114-9c3d-d6f0d48968cf, for example.",
    )


def application_key(settings: "Settings", directory: Path) -> "ApplicationKey | None":
    """The application that signs calls; None when no private key is set. Raises ConfigurationError.

    directory: which the path of a key file is relative to.
    """
    from devkit.vonage.client import ApplicationKey

    if not settings.private_key:
        return None
    if not settings.application_id:
        raise ConfigurationError(
            "VONAGE_PRIVATE_KEY is set, but VONAGE_APPLICATION_ID is missing.",
            hint="Add VONAGE_APPLICATION_ID=... to .env, or remove both to send with the API key and secret.",
        )
    return ApplicationKey(settings.application_id, _private_key(settings.private_key, directory))


def simulator_application(session: "Session") -> "ApplicationKey | None":
    """The application of an offline session's simulator; None when its key is in no file. Raises ConfigurationError."""
    from devkit.vonage.client import ApplicationKey

    if not session.private_key:
        return None
    try:
        key = read_regular_file(Path(session.private_key), _MAX_SIZE).decode("ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigurationError(
            f"The private key {session.private_key} of the session's simulator cannot be read: {reason}.",
            hint="Start the session again: devkit dev",
        ) from error
    return ApplicationKey(session.application_id, key)


def _private_key(text: str, directory: Path) -> str:
    """The key in PKCS #8, which is the only form that the SDK takes (vonage-jwt 1.1.5)."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    is_pem = text.startswith("-----BEGIN")
    where = "in VONAGE_PRIVATE_KEY" if is_pem else f"{text!r} in VONAGE_PRIVATE_KEY"
    try:
        # `.env` files often have the key in one line, with \n for the ends of lines.
        pem = text.replace("\\n", "\n").encode() if is_pem else read_regular_file(directory / text, _MAX_SIZE)
        key = serialization.load_pem_private_key(pem, password=None)
    except OSError as error:
        raise ConfigurationError(
            f"The private key file {where} cannot be read: {error.strerror}.", hint=_HINT
        ) from error
    except Exception as error:  # cryptography raises errors of many types
        raise ConfigurationError(
            f"The private key {where} is no PEM private key without a password.", hint=_HINT
        ) from error
    if not isinstance(key, RSAPrivateKey):
        raise ConfigurationError(
            f"The private key {where} is no RSA key, which Vonage needs (RS256).", hint=_HINT
        )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")


def is_pair(private_key: str, public_key: str) -> bool:
    """Whether two keys in PEM belong together. private_key: a valid one."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        theirs = serialization.load_pem_public_key(public_key.encode())
    except (ValueError, UnsupportedAlgorithm):
        return False
    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ours = serialization.load_pem_private_key(private_key.encode(), password=None).public_key()
    return ours.public_bytes(*form) == theirs.public_bytes(*form)
