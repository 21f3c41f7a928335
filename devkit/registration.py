"""The account's delivery-receipt callback: set for a session, and the former one given back.

What was there before is written to a journal, on disk, before anything is changed.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from devkit import durable
from devkit.errors import ConfigurationError, VonageError
from devkit.event import Emit, Registered, Restored
from devkit.redact import one_line
from devkit.vonage_client import Credentials, post_form

SETTINGS_PATH = "/account/settings"

# The documented spelling. The SDK's own method (vonage 4.9.1) sends `drCallbackUrl`, another name; a platform that
# minds the case would answer 200 and change nothing. That is also why every change is read back.
CALLBACK_PARAMETER = "drCallBackUrl"

Post = Callable[[Credentials, str, dict[str, str]], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Account:
    """The one setting of a Vonage account that devkit touches."""

    credentials: Credentials
    post: Post = post_form

    @property
    def identity(self) -> tuple[str, str]:
        return self.credentials.host, self.credentials.api_key

    def read_callback(self) -> str:
        """The account's delivery-receipt callback; empty when none is set. Raises VonageError."""
        # An empty POST is the documented way to read the settings.
        return _callback_in(self.post(self.credentials, SETTINGS_PATH, {}))

    def set_callback(self, url: str) -> None:
        """Set it, or unset it with an empty text, and make sure that it was saved. Raises VonageError.

        Vonage asks the URL for a 200 before it saves it.
        """
        answer = self.post(self.credentials, SETTINGS_PATH, {CALLBACK_PARAMETER: url})
        _callback_in(answer)
        if (held := self.read_callback()) != url:
            raise VonageError(
                f"Vonage answered 200, but the account holds {one_line(held) or 'no callback'} "
                f"instead of {one_line(url) or 'none'}.",
                hint="Set it by hand in the dashboard's API settings, or use --no-register.",
            )


@dataclass(frozen=True, slots=True)
class Journal:
    """What is needed to give the account's former callback back. since: UTC, as text."""

    host: str
    api_key: str
    former_url: str
    our_url: str
    since: str
    pid: int


def read_journal(path: Path) -> Journal | None:
    """The journal of a session that has not given the callback back; None when there is none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Journal(**document)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read, so the account's former callback is not known.",
            hint="Look the callback up in the Vonage dashboard, then delete the file.",
        ) from error


def former_callback(account: Account, path: Path) -> str:
    """The callback that belongs in the account when devkit is not running. Raises VonageError.

    Normally what the account holds; after a session that was killed, what its journal says.
    """
    held = account.read_callback()
    left = read_journal(path)
    if left and (left.host, left.api_key, left.our_url) == (*account.identity, held):
        return left.former_url
    return held


@contextmanager
def registered(account: Account, journal: Journal, path: Path, emit: Emit) -> Iterator[None]:
    """The account's callback is ours while the block runs; afterwards the former one is given back.

    journal: with `former_url` as the account holds it now. Raises VonageError, also on the way out.
    """
    durable.replace(path, json.dumps(asdict(journal), indent=2).encode())
    try:
        account.set_callback(journal.our_url)
    except VonageError:
        # Vonage may have saved it before something failed: look, rather than guess. What failed first is told.
        with suppress(VonageError):
            give_back(account, journal, path, lambda event: None)
        raise
    emit(Registered(journal.our_url, journal.former_url))
    try:
        yield
    finally:
        give_back(account, journal, path, emit)


def give_back(account: Account, journal: Journal, path: Path, emit: Emit) -> None:
    """Put the former callback back, unless the account holds somebody else's by now. Raises VonageError.

    The journal goes when there is nothing left to give back; it stays when Vonage refuses.
    """
    held = account.read_callback()
    if held == journal.our_url and held != journal.former_url:
        try:
            account.set_callback(journal.former_url)
        except VonageError as error:
            raise VonageError(
                f"The former callback {one_line(journal.former_url) or '(none)'} could not be given back: "
                f"{error.message} The account still holds {one_line(held)}",
                hint="Start what listens there and type: devkit restore. Or unset the callback: devkit restore --clear",
            ) from error
        held = journal.former_url
    durable.remove(path)
    emit(Restored(held, kept=held != journal.former_url))


def _callback_in(answer: Mapping[str, object]) -> str:
    if "dr-callback-url" not in answer and "error-code" in answer:
        # Vonage's older services answer some refusals with HTTP 200.
        label = one_line(str(answer.get("error-code-label", "no reason given")))
        raise VonageError(
            f"Vonage answered with error {one_line(str(answer['error-code']))}: {label}",
            hint="Vonage saves only a URL that answers 200 just then: check that the tunnel leads here.",
        )
    return str(answer.get("dr-callback-url") or "")
