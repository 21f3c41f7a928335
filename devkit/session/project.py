"""The private files of a project in `.devkit/`: token, session, keys."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from devkit.durable import files as durable
from devkit.durable.lock import LockHeld, LockOwner, locked
from devkit.durable.regular_file import BadRecord, read_record, read_regular_file
from devkit.errors import CallbackHeldError, ConfigurationError
from devkit.session.settings import Settings

DIRECTORY = ".devkit"

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,}")
_TOKEN_SIZE = 4096  # bytes; one of ours has 22
_URL = re.compile(r"(https?://[!-~]+)?")
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]*")


@dataclass(frozen=True, slots=True)
class Session:
    """A session that runs now, for the other commands to find. started_at: UTC, as text.

    callback_url: with the secret token. api_key, api_secret and rest_host: of the simulator in an offline session,
    empty in a live one.
    """

    pid: int
    started_at: str
    mode: Literal["live", "offline"]
    local_url: str
    public_url: str
    callback_url: str = field(repr=False)
    rest_host: str = ""
    api_key: str = ""
    api_secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Project:
    """The private directory of a project."""

    private: Path

    @property
    def journal(self) -> Path:
        """Where the registration of a session is written down until it is given back."""
        return self.private / "registration.json"

    def prepare(self) -> None:
        """Make the directory, private also when it was there before. Raises ConfigurationError."""
        try:
            durable.make_directory(self.private)
            self._refuse_a_strangers()
            durable.make_private(self.private)
            durable.try_writing(self.private)
        except OSError as error:
            raise self._unusable(error) from error
        durable.remove_leftovers(self.private)

    @contextmanager
    def alone(self, since: str, *, force: bool = False) -> Iterator[None]:
        """Be the only session of the project while the block runs. since: UTC, as text, to be told to others.

        Raises CallbackHeldError when there is one already, unless by force; then that one ends by itself later.
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(
                    locked(self.private / "session.lock", LockOwner(os.getpid(), since), force=force)
                )
            except LockHeld as error:
                raise CallbackHeldError(
                    f"Another devkit holds the callback of this directory: {error.holder or 'it starts just now'}.",
                    hint="Stop it (it gives the callback back by itself), or take over: devkit dev --force",
                ) from error
            except OSError as error:
                raise self._unusable(error) from error
            yield

    def callback_token(self) -> str:
        """The secret last segment of the callback path: made once, then the same for ever.

        Vonage sends a receipt again for up to 72 hours, so a URL must outlive the session that it was made for.
        Raises ConfigurationError.
        """
        import secrets  # takes long to import, and most commands never need the token

        path = self.private / "callback-token"
        try:
            with suppress(FileExistsError):
                durable.create(path, secrets.token_urlsafe(16).encode())
            token = read_regular_file(path, _TOKEN_SIZE).decode("ascii").strip()
        except (OSError, UnicodeDecodeError):
            token = ""
        if not _TOKEN.fullmatch(token):  # an empty one would open the path to everybody
            raise ConfigurationError(
                f"There is no usable callback token in {path}.",
                hint="Delete the file; devkit makes a new one.",
            )
        return token

    def session(self) -> Session | None:
        """The session that runs in this project now; None when there is none."""
        session = _read_session(self._session)
        return session if session and durable.is_alive(session.pid) and _is_sound(session) else None

    @contextmanager
    def running(self, session: Session) -> Iterator[Callable[[Session], None]]:
        """Let other commands find the session while the block runs. Of two sessions the later is found.

        Gives a function that puts another description in the place of the session's.
        """
        described = session

        def describe(session: Session) -> None:
            nonlocal described
            durable.replace(self._session, json.dumps(asdict(session), indent=2).encode())
            described = session

        try:
            describe(session)
        except OSError as error:
            raise self._unusable(error) from error
        try:
            yield describe
        finally:
            if _read_session(self._session) == described:
                with suppress(OSError):  # one that stays does no harm: its process has ended
                    durable.remove(self._session)

    def _refuse_a_strangers(self) -> None:
        """Raise ConfigurationError for a directory, or a link to one, of another user: they could swap the journal."""
        if os.name == "nt":
            return
        # Who has the directory around it may do as they like anyway, as with a checkout mounted into a container.
        ours = {os.geteuid(), self.private.parent.stat().st_uid}
        if not {self.private.lstat().st_uid, self.private.stat().st_uid} <= ours:
            raise ConfigurationError(
                f"{self.private} belongs to another user.",
                hint="Remove it, or work in a directory of your own: devkit keeps secrets there.",
            )

    @property
    def _session(self) -> Path:
        return self.private / "session.json"

    def _unusable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"Cannot keep the session in {self.private}: {error.strerror}.",
            hint="Make it a directory that you can write to, or work in another one.",
        )


def project_in(directory: Path) -> Project:
    """The project of a directory. Nothing is made yet."""
    return Project(directory / DIRECTORY)


def _read_session(path: Path) -> Session | None:
    try:
        return read_record(path, Session)
    except BadRecord:
        return None


def _is_sound(session: Session) -> bool:
    """Whether all that other commands connect to can be an address."""
    urls = (session.local_url, session.public_url, session.callback_url)
    return all(map(_is_url, urls)) and bool(_HOST.fullmatch(session.rest_host))


def _is_url(text: str) -> bool:
    try:
        return bool(_URL.fullmatch(text)) and (urlsplit(text).port or 0) >= 0
    except ValueError:  # such as that of `http://[`
        return False


_MAX_SIZE = 4096  # bytes; one of ours has 64


def load_key(project: Project) -> bytes:
    """The project's key, 32 bytes. Who has it can test a guess against a stand-in, so it is never committed.

    Raises ConfigurationError.
    """
    path = project.private / "redaction-key"
    project.prepare()
    try:
        with suppress(FileExistsError):
            durable.create(path, os.urandom(32).hex().encode())
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


def private_values(settings: Settings, project: Project) -> dict[str, str]:
    """Each secret that is set, by the name of its setting. Makes the callback token when there is none yet."""
    token = project.callback_token() if settings.callback_token is None else settings.callback_token
    values = {
        "VONAGE_API_SECRET": settings.api_secret,
        "VONAGE_SIGNATURE_SECRET": settings.signature_secret,
        "NGROK_AUTHTOKEN": settings.ngrok_authtoken,
        "DEVKIT_CALLBACK_TOKEN": token,
    }
    return {name: value for name, value in values.items() if value}
