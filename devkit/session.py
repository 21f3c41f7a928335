"""What devkit keeps for a project between and during sessions: `.devkit/`, private to its owner."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from devkit import durable

DIRECTORY = ".devkit"


@dataclass(frozen=True, slots=True)
class Session:
    """A session that runs now, for the other commands to find. started_at: UTC, as text.

    api_key, api_secret and rest_host: of the simulator in an offline session, empty in a live one.
    """

    pid: int
    started_at: str
    mode: Literal["live", "offline"]
    local_url: str
    public_url: str
    callback_url: str
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
        """Make the directory. Raises ConfigurationError."""
        durable.make_directory(self.private)
        durable.remove_leftovers(self.private)

    def callback_token(self) -> str:
        """The secret last segment of the callback path: made once, then the same for ever.

        Vonage sends a receipt again for up to 72 hours, so a URL must outlive the session that it was made for.
        """
        path = self.private / "callback-token"
        try:
            durable.create(path, secrets.token_urlsafe(16).encode())
        except FileExistsError:
            pass
        return path.read_text(encoding="ascii").strip()

    @contextmanager
    def running(self, session: Session) -> Iterator[None]:
        """Let other commands find the session while the block runs."""
        path = self.private / "session.json"
        durable.replace(path, json.dumps(asdict(session), indent=2).encode())
        try:
            yield
        finally:
            durable.remove(path)


def project_in(directory: Path) -> Project:
    """The project of a directory. Nothing is made yet."""
    return Project(directory / DIRECTORY)
