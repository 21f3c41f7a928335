"""Which directory is the project's, and its settings: from the process environment, then from its `.env`.

`.env.example` lists all settings. Without a key and a secret there, those of the Vonage CLI count.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devkit.durable.regular_file import read_pipe, read_regular_file
from devkit.errors import ConfigurationError

if TYPE_CHECKING:  # only types: one imports OpenSSL, both take long, and most commands need neither
    from devkit.vonage.client import Credentials
    from devkit.webhook.signature import Method

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")

PRIVATE = ".devkit"  # the directory of a project's private files
DEFAULT_PORT = 3000  # of the receiver
_DEFAULT_HOST = "rest.nexmo.com"

# What DEVKIT_TUNNEL may name. auto: the first that is there. none: only this machine reaches the session.
TUNNELS = ("auto", "ngrok", "cloudflared", "tailscale", "codespaces", "none")

# Of the relay. Kept as text here: only its commands parse them (devkit.relay.settings).
_RELAY = (
    "DEVKIT_RELAY",
    "DEVKIT_RELAY_KEY",
    "DEVKIT_RELAY_KEEP",
    "DEVKIT_RELAY_CALLBACK",
    "DEVKIT_WHO",
)

# Of devkit.mk; of applications that name their own callback (docs/relay.md).
_FOR_OTHERS = ("DEVKIT_PREFIX", "DEVKIT_CALLBACK_URL")

_MIN_TOKEN = 16  # characters, as in `devkit.session.project`
_MAX_SIZE = 1024 * 1024  # bytes of `.env`
_PIPE_TIMEOUT = 30.0  # seconds; a user may have to confirm it


def project_directory(here: Path, home: Path | None = None) -> Path:
    """The nearest directory with a `.devkit/`, from `here` upward; `here` itself when there is none.

    Above `here` only this user's own directories count: another user must not choose where receipts are sent. The home
    directory and the root of a file system are no projects. home: None for that of this user.
    """
    home = home or Path(os.path.realpath(os.path.expanduser("~")))
    if os.path.isdir(here / PRIVATE):  # unlike pathlib, it is silent about a directory that cannot be read
        return here
    for directory in here.parents if here != home else ():
        if directory in (home, Path(directory.anchor)):
            break
        if _is_own_project(directory):
            return directory
    return here


def _is_own_project(directory: Path) -> bool:
    private = directory / PRIVATE
    try:
        found = [private.stat(), private.lstat(), directory.stat()]
    except OSError:
        return False
    # Windows tells no owners.
    is_own = os.name == "nt" or {each.st_uid for each in found} == {os.geteuid()}
    return is_own and os.path.isdir(private)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force. Texts are empty when they are not set; secrets are not in the repr.

    forward_private: receipts may go to an application in a private network, as in another container.
    private_key: of the application, the key or the path of its file.
    tunnel: one of TUNNELS. callback_token: None for the project's own, "" for a callback path without one.
    credentials_file: the file of the Vonage CLI that they are from; empty when they are not from there.
    credentials_error: why there are no credentials to use, although something of them is set.
    relay: those of the relay that are set, by name.
    unknown_names: that begin as devkit's and mean nothing.
    """

    api_key: str = ""
    api_secret: str = field(default="", repr=False)
    signature_secret: str = field(default="", repr=False)
    signature_method: "Method" = "md5hash"
    rest_host: str = _DEFAULT_HOST
    application_id: str = ""
    private_key: str = field(default="", repr=False)
    ngrok_authtoken: str = field(default="", repr=False)
    ngrok_url: str = ""
    ngrok_path: str = ""
    port: int = DEFAULT_PORT
    inspector_port: int = 3040
    forward_to: str = field(default="", repr=False)  # a URL may hold a password
    forward_private: bool = False
    public_url: str = ""
    tunnel: str = "auto"
    fixtures: Path = Path("fixtures")
    callback_token: str | None = field(default=None, repr=False)
    offline: bool = False
    credentials_file: str = ""
    credentials_error: ConfigurationError | None = field(default=None, compare=False)
    relay: Mapping[str, str] = field(default_factory=dict, repr=False)
    unknown_names: tuple[str, ...] = ()

    @property
    def has_credentials(self) -> bool:
        """Whether there are a key and a secret. Raises ConfigurationError when only a part can be used."""
        if self.credentials_error:
            raise self.credentials_error
        return bool(self.api_key)

    @property
    def is_offline(self) -> bool:
        """Whether a session works offline. Raises ConfigurationError as `has_credentials`."""
        return self.offline or not self.has_credentials

    @property
    def credentials(self) -> "Credentials":
        from devkit.vonage.client import Credentials

        return Credentials(self.api_key, self.api_secret, self.rest_host)


def _text(name: str, text: str) -> str:
    return text


def _application_id(name: str, text: str) -> str:
    from devkit.session.credentials import parse_application_id  # here: few projects have one

    return parse_application_id(text, name)


def _method(name: str, text: str) -> "Method":
    from devkit.webhook.signature import METHODS  # here: it takes long to import

    for method in METHODS:
        if text.lower().replace("-", "") == method:
            return method
    raise ConfigurationError(
        f"VONAGE_SIGNATURE_METHOD is {text!r}, which is not a signature method.",
        hint=f"Use one of: {', '.join(METHODS)}",
    )


def _port(name: str, text: str) -> int:
    if text.isdecimal() and text.isascii() and len(text) <= 5 and int(text) < 65536:
        return int(text)
    raise ConfigurationError(
        f"{name} is {text!r}, which is not a port.", hint="Use a number from 0 (any free) to 65535."
    )


def _tunnel(name: str, text: str) -> str:
    if text.lower() in TUNNELS:
        return text.lower()
    raise ConfigurationError(
        f"DEVKIT_TUNNEL is {text!r}, which is not a tunnel that devkit opens.",
        hint=f"Use one of: {', '.join(TUNNELS)}. For any other: DEVKIT_PUBLIC_URL=https://...",
    )


def _flag(name: str, text: str) -> bool:
    if text.lower() not in (*_TRUE, *_FALSE):
        raise ConfigurationError(f"{name} is {text!r}, which is neither yes nor no.", hint="Use 1 or 0.")
    return text.lower() in _TRUE


def _token(name: str, text: str) -> str:
    if not all(char.isascii() and (char.isalnum() or char in "-_") for char in text):
        raise ConfigurationError(
            "DEVKIT_CALLBACK_TOKEN holds characters that a URL cannot hold.",
            hint="Use letters, digits, - and _, or remove the line: devkit then makes a token.",
        )
    if len(text) < _MIN_TOKEN:  # everybody can try tokens at the public URL
        raise ConfigurationError(
            f"DEVKIT_CALLBACK_TOKEN has {len(text)} characters; fewer than {_MIN_TOKEN} can be guessed.",
            hint="Use a longer one, or remove the line: devkit then makes a token.",
        )
    return text


# Each setting: its field in `Settings`, and what reads its text. What each is for: .env.example, docs/settings.md.
_SETTINGS: dict[str, tuple[str, Callable[[str, str], object]]] = {
    "VONAGE_API_KEY": ("api_key", _text),
    "VONAGE_API_SECRET": ("api_secret", _text),
    "VONAGE_SIGNATURE_SECRET": ("signature_secret", _text),
    "VONAGE_SIGNATURE_METHOD": ("signature_method", _method),
    "VONAGE_REST_HOST": ("rest_host", _text),
    "VONAGE_APPLICATION_ID": ("application_id", _application_id),
    "VONAGE_PRIVATE_KEY": ("private_key", _text),
    "NGROK_AUTHTOKEN": ("ngrok_authtoken", _text),
    "NGROK_URL": ("ngrok_url", _text),
    "PYNGROK_NGROK_PATH": ("ngrok_path", _text),
    "DEVKIT_PORT": ("port", _port),
    "DEVKIT_INSPECTOR_PORT": ("inspector_port", _port),
    "DEVKIT_FORWARD_TO": ("forward_to", _text),
    "DEVKIT_FORWARD_PRIVATE": ("forward_private", _flag),
    "DEVKIT_PUBLIC_URL": ("public_url", _text),
    "DEVKIT_TUNNEL": ("tunnel", _tunnel),
    "DEVKIT_FIXTURES": ("fixtures", _text),
    "DEVKIT_CALLBACK_TOKEN": ("callback_token", _token),
    "DEVKIT_OFFLINE": ("offline", _flag),
}
KNOWN_NAMES = (*_SETTINGS, *_RELAY)


def read_settings(
    environ: Mapping[str, str], directory: Path, *, pipe_timeout: float = _PIPE_TIMEOUT
) -> Settings:
    """The settings in force in a directory. Raises ConfigurationError for an invalid one.

    Incomplete credentials are no error until something needs them, see `Settings.has_credentials`.

    pipe_timeout: seconds to wait for the writer, where `.env` is a FIFO.
    """
    values = {**read_env_file(directory / ".env", pipe_timeout), **environ}
    texts = {name: text for name in KNOWN_NAMES if (text := values.get(name, "").strip())}
    fields: dict[str, Any] = {
        attribute: read(name, texts[name]) for name, (attribute, read) in _SETTINGS.items() if name in texts
    }
    if values.get("DEVKIT_CALLBACK_TOKEN") == "":
        fields["callback_token"] = ""
    fields["fixtures"] = directory / fields.get("fixtures", "fixtures")
    settings = Settings(
        **fields,
        relay={name: texts[name] for name in _RELAY if name in texts},
        unknown_names=tuple(
            name for name in values if name.startswith("DEVKIT_") and name not in (*KNOWN_NAMES, *_FOR_OTHERS)
        ),
    )
    return _with_account(settings, directory, environ.get("HOME") or environ.get("USERPROFILE") or "")


def _with_account(settings: Settings, directory: Path, home: str) -> Settings:
    """The settings with the credentials of the Vonage CLI if they have none, or with the error about them."""
    try:
        _require_pair(settings.api_key, settings.api_secret)
        # Another host, perhaps one that a foreign `.env` names, gets only the credentials that were given for it.
        if settings.api_key or settings.rest_host != _DEFAULT_HOST:
            return settings
        # The first file that exists counts, whatever it holds: so it is for the Vonage CLI.
        files = [directory / ".vonagerc", *([Path(home, ".vonage", "config.json")] if home else [])]
        if (file := next(filter(Path.is_file, files), None)) is None:
            return settings
        from devkit.session.credentials import read_cli_credentials  # here: most people have no such file

        key, secret = read_cli_credentials(file)
    except ConfigurationError as error:
        return replace(settings, credentials_error=error)
    return replace(settings, api_key=key, api_secret=secret, credentials_file=str(file) if key else "")


def read_env_file(path: Path, pipe_timeout: float = _PIPE_TIMEOUT) -> dict[str, str]:
    """The values in a `.env`, none without one. pipe_timeout: as in `read_settings`. Raises ConfigurationError."""
    if path.is_dir():  # a virtual environment: some people name theirs so
        return {}
    try:
        # Password managers create a FIFO, so that no secret is on the disk.
        data = (
            read_pipe(path, _MAX_SIZE, pipe_timeout) if path.is_fifo() else read_regular_file(path, _MAX_SIZE)
        )
        text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigurationError(
            f"Cannot read {path}: {reason}.", hint="Compare it with: devkit init --print .env.example"
        ) from error
    from dotenv.parser import parse_stream  # here: it takes long to import, and often there is no such file

    values = {}
    for binding in parse_stream(StringIO(text)):
        if binding.error:
            # Without the line itself, which may hold a secret.
            raise ConfigurationError(
                f"Line {binding.original.line} of {path.name} cannot be read.",
                hint="Write it as NAME=value, with quotes around a value that holds # or spaces.",
            )
        if binding.key and binding.value is not None:
            values[binding.key] = binding.value
    return values


def _require_pair(key: str, secret: str) -> None:
    if bool(key) == bool(secret):
        return
    present, missing = ("VONAGE_API_KEY", "VONAGE_API_SECRET")[:: 1 if key else -1]
    raise ConfigurationError(
        f"{present} is set, but {missing} is missing.",
        hint=f"Add {missing}=... to .env (it is in the Vonage dashboard), or remove both to work offline.",
    )
