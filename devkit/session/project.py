"""The private files of a project in `.devkit/`: token, session, keys."""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from devkit.durable import files as durable
from devkit.durable.lock import LockHeld, is_alive, locked
from devkit.durable.regular_file import BadRecord, read_record, read_regular_file
from devkit.errors import CallbackHeldError, ConfigurationError
from devkit.session.settings import DEFAULT_PORT, PRIVATE, Settings
from devkit.webhook.callback import member_token_in

if TYPE_CHECKING:  # only the types: most commands start faster without them
    from devkit.fixture.redaction.policy import Policy
    from devkit.vonage.client import Credentials

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,}")
_MAX_SIZE = 4096  # bytes; a token of ours has 22, a key 64
_LOCK_OWNER = re.compile(rb"process (\d{1,10}),")
_URL = re.compile(r"(https?://[!-~]+)?")
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]*")


@dataclass(frozen=True, slots=True)
class Session:
    """A running session, as other commands find it. started_at: UTC, as text.

    callback_url: with the secret token. api_key, api_secret, rest_host, application_id and private_key (a file): of the
    simulator in an offline session, empty in a live one. forward_url: of the developer's application, empty without
    one. relay, who: the address of the relay that it follows, without a password, and for whom; empty without one.
    is_registered: whether the account's callback was set to this session's.
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
    forward_url: str = field(default="", repr=False)  # its path may be a secret of the application
    inspector_url: str = ""
    relay: str = ""
    who: str = ""
    application_id: str = ""
    private_key: str = ""
    is_registered: bool = False

    @property
    def simulator_credentials(self) -> "Credentials":
        from devkit.vonage.client import Credentials

        return Credentials(self.api_key, self.api_secret, self.rest_host)


@dataclass(frozen=True, slots=True)
class Project:
    """The private directory of a project."""

    private: Path

    @property
    def journal(self) -> Path:
        """The file that describes a session's registration until the callback is restored."""
        return self.private / "registration.json"

    @property
    def relay_lock(self) -> Path:
        """The file that the process has locked which follows a relay for the project."""
        return self.private / "relay.lock"

    @property
    def relay_journal(self) -> Path:
        """The file that describes the relay's registration: sessions come and go while the relay has the account."""
        return self.private / "relay-registration.json"

    @property
    def token_file(self) -> Path:
        return self.private / "callback-token"

    def prepare(self) -> None:
        """Create the directory, and make it private even if it exists. Raises ConfigurationError."""
        try:
            durable.make_ignored_directory(self.private)
            self.check_owner()
            durable.make_private(self.private)
            durable.try_writing(self.private)
        except OSError as error:
            raise self._unusable(error) from error
        durable.remove_temp_files(self.private)

    @contextmanager
    def session_lock(self, since: str, *, force: bool = False) -> Iterator[None]:
        """Be the only session of the project while the block runs. since: UTC, as text, for messages.

        Raises CallbackHeldError when there is a session already. With `force` that session ends by itself later.
        """
        with ExitStack() as stack:
            try:
                owner = f"process {os.getpid()}, since {since}"
                stack.enter_context(locked(self.private / "session.lock", owner, force=force))
            except LockHeld as error:
                raise CallbackHeldError(
                    f"Another devkit holds the callback of this project: {error.owner or 'it is starting'}.",
                    hint="Stop it (it restores the callback by itself), or take over: devkit dev --force",
                ) from error
            except OSError as error:
                raise self._unusable(error) from error
            yield

    def callback_token(self, given: str | None = None) -> str:
        """The secret last segment of the callback path: created once, then always the same.

        Vonage repeats a receipt for up to 72 hours, so a URL must outlive the session that registered it.
        given: as `Settings.callback_token`, which replaces it. Raises ConfigurationError.
        """
        if given is not None:
            return given
        import secrets  # takes long to import, and most commands never need the token

        path = self.token_file
        try:
            token = _read_or_create(path, secrets.token_urlsafe(16))
        except OSError:
            token = ""
        if not _TOKEN.fullmatch(token):  # an empty one would open the path to everybody
            raise ConfigurationError(
                f"There is no usable callback token in {path}.",
                hint="Delete the file; devkit makes a new one.",
            )
        return token

    def session(self) -> Session | None:
        """The session that runs in this project now; None when there is none."""
        session = _read_session(self._session) if self._is_own() else None
        return session if session and is_alive(session.pid) and _is_valid(session) else None

    @contextmanager
    def session_file(self, session: Session) -> Iterator[Callable[[Session], None]]:
        """Describe the session in a file for other commands while the block runs. Of two sessions the later counts.

        Gives a function that replaces the description. Both raise ConfigurationError.
        """
        written = session

        def write(session: Session) -> None:
            nonlocal written
            try:
                durable.replace(self._session, json.dumps(asdict(session), indent=2).encode())
            except OSError as error:
                raise self._unusable(error) from error
            written = session

        write(session)
        try:
            yield write
        finally:
            if _read_session(self._session) == written:
                with suppress(OSError):  # a file that stays does no harm: its process has ended
                    durable.remove(self._session)

    def check_owner(self) -> None:
        """Raise ConfigurationError if another user owns the directory, or a link to it: they could swap the journal."""
        if not self._is_own():
            raise ConfigurationError(
                f"{self.private} belongs to another user.",
                hint="Remove it, or work in a directory of your own: devkit keeps secrets there.",
            )

    def _is_own(self) -> bool:
        if os.name == "nt" or not os.path.exists(self.private):
            return True
        # The owner of the parent directory can change everything anyway, as with a checkout mounted into a container.
        allowed = {os.geteuid(), self.private.parent.stat().st_uid}
        return {self.private.lstat().st_uid, self.private.stat().st_uid} <= allowed

    @property
    def _session(self) -> Path:
        return self.private / "session.json"

    def _unusable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(
            f"Cannot keep the session in {self.private}: {error.strerror}.",
            hint="Make it a directory that you can write to, or work in another one.",
        )


def project_in(directory: Path) -> Project:
    """The project of a directory. Creates nothing."""
    return Project(directory / PRIVATE)


def is_followed(project: Project) -> bool:
    """Whether a process follows a relay for this project now, perhaps without a session."""
    with suppress(OSError):
        if owner := _LOCK_OWNER.match(read_regular_file(project.relay_lock, _MAX_SIZE)):
            return is_alive(int(owner[1]))
    return False


def is_recording(project: Project) -> bool:
    """Whether a session runs in this project now, or a process follows a relay for it."""
    return project.session() is not None or is_followed(project)


def local_code_url(session: Session | None, settings: Settings) -> str:
    """Where local code takes receipts: what the session forwards to, else its receiver; else as the settings say."""
    if session:
        return session.forward_url or session.local_url
    return settings.forward_to or f"http://127.0.0.1:{settings.port or DEFAULT_PORT}"


def new_receipt_url(session: Session | None, settings: Settings) -> str:
    """Where a new receipt goes: to the session, which records it before it forwards it; without one to local code."""
    return session.local_url if session else local_code_url(None, settings)


def _read_session(path: Path) -> Session | None:
    try:
        return read_record(path, Session)
    except BadRecord:
        return None


def _is_valid(session: Session) -> bool:
    """Whether everything that other commands connect to can be an address."""
    urls = (value for name, value in asdict(session).items() if name.endswith("_url"))
    return all(map(_is_url, urls)) and bool(_HOST.fullmatch(session.rest_host))


def _is_url(text: str) -> bool:
    try:
        return bool(_URL.fullmatch(text)) and (urlsplit(text).port or 0) >= 0
    except ValueError:  # such as that of `http://[`
        return False


def _read_or_create(path: Path, new: str) -> str:
    with suppress(FileExistsError):
        durable.create(path, new.encode())
    return read_regular_file(path, _MAX_SIZE).decode("latin-1").strip()


def load_key(project: Project) -> bytes:
    """The project's redaction key, 32 bytes, created once. Never committed: with it, guessed originals can be verified.

    Raises ConfigurationError.
    """
    path = project.private / "redaction-key"
    project.prepare()
    try:
        text = _read_or_create(path, os.urandom(32).hex())
    except OSError as error:
        raise ConfigurationError(
            f"Cannot use {path}: {error.strerror}.",
            hint=f"Make {path.parent} readable and writable for yourself, and the key a file.",
        ) from error
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ConfigurationError(
            f"{path} does not hold a key.",
            hint="Delete it: the next run makes a new one, and pseudonyms change.",
        )
    return bytes.fromhex(text)


def redaction_policy(settings: Settings, project: Project) -> "Policy":
    """How recordings are redacted, before a person decides. Creates the redaction key and the callback token."""
    from devkit.fixture.redaction.policy import Policy  # here: most commands redact nothing

    return Policy(
        load_key(project),  # first: it makes the private directory
        secret=settings.signature_secret,
        method=settings.signature_method,
        private=private_values(settings, project),
    )


def private_values(settings: Settings, project: Project) -> dict[str, str]:
    """The secrets that are set, by the name of their setting. Creates the callback token if there is none."""
    values = {
        "VONAGE_API_SECRET": settings.api_secret,
        "VONAGE_SIGNATURE_SECRET": settings.signature_secret,
        "VONAGE_PRIVATE_KEY": settings.private_key if settings.private_key.startswith("-----BEGIN") else "",
        "NGROK_AUTHTOKEN": settings.ngrok_authtoken,
        "DEVKIT_CALLBACK_TOKEN": project.callback_token(settings.callback_token),
        "DEVKIT_RELAY_KEY": settings.relay.get("DEVKIT_RELAY_KEY", "").partition(",")[0].strip(),
        "DEVKIT_RELAY_CALLBACK": member_token_in(settings.relay.get("DEVKIT_RELAY_CALLBACK", "")),
    }
    return {name: value for name, value in values.items() if value}
