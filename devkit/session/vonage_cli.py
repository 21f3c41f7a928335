"""The credentials that the Vonage CLI keeps: `vonage auth set` writes them.

Places, order and names: https://developer.vonage.com/en/vonage-cli/guides/authentication-security/auth and
src/middleware/config.js of github.com/Vonage/vonage-cli.
"""

from pathlib import Path

from devkit.durable.regular_file import read_regular_file
from devkit.errors import ConfigurationError
from devkit.webhook.strict_json import InvalidJson, parse

_MAX_SIZE = 64 * 1024  # bytes; a private key is in it too
_MAX_DEPTH = 10  # the file has 1


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
