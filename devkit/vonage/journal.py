"""What is needed to give an account's former callback back, kept on disk from before it is changed."""

import json
import re
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from devkit.durable import files as durable
from devkit.durable.lock import in_turn
from devkit.durable.record import BadRecord, read_record
from devkit.errors import ConfigurationError
from devkit.webhook.callback import CALLBACK_PATH
from devkit.webhook.masking import one_line

# As devkit makes them. The path without a token is one that tutorials use too.
_DEVKIT_PATH = re.compile(rf"{CALLBACK_PATH}/[A-Za-z0-9_-]{{16,}}")


@dataclass(frozen=True, slots=True)
class Journal:
    """Of one registration. since: UTC, as text.

    earlier_url: another URL of ours, which the account still holds if `our_url` came not to be saved.
    pending_url: a former callback that an earlier session here could not give back, because another devkit had the
    account; empty when there is none.
    """

    host: str
    api_key: str
    former_url: str
    our_url: str
    since: str
    pid: int
    earlier_url: str = ""
    pending_url: str = ""

    @property
    def identity(self) -> tuple[str, str]:
        """The account that it is about."""
        return self.host, self.api_key

    def covers(self, url: str) -> bool:
        """Whether a callback is one that this registration has set."""
        return bool(url) and url in (self.our_url, self.earlier_url)

    @property
    def oldest_url(self) -> str:
        """The callback from before the first of the sessions that it remembers."""
        return self.pending_url or self.former_url


def devkit_host(callback_url: str) -> str:
    """The host of a callback URL that looks like one of devkit's; empty for any other."""
    host, path = host_and_path(callback_url)
    return one_line(host) if _DEVKIT_PATH.fullmatch(path) else ""


def host_and_path(url: str) -> tuple[str, str]:
    """Both parts of a URL; empty for a text that is none: the account, or a damaged journal, may hold anything."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.netloc, parts.path


def may_return(held: str) -> bool:
    """Whether a former callback is remembered although the account holds what this project has not set.

    So it is when that is another devkit's, which ends, or none. What somebody has set on purpose takes its place.
    """
    return not held or bool(devkit_host(held))


def next_journal(draft: Journal, held: str, left: Journal | None) -> Journal:
    """The journal of a registration that is about to begin.

    draft: with what is known of it. held: what the account holds. left: the journal that is on disk.
    The former callback is what the account holds; after a session that was killed, what its journal says.
    """
    if left is None or left.identity != draft.identity:
        return replace(draft, former_url=held)
    if left.covers(held):
        return replace(draft, former_url=left.former_url, earlier_url=held, pending_url=left.pending_url)
    is_pending = may_return(held) and left.oldest_url != held
    return replace(draft, former_url=held, pending_url=left.oldest_url if is_pending else "")


def read_journal(path: Path) -> Journal | None:
    """The journal of a session that has not given the callback back; None when there is none.

    Raises ConfigurationError for one that cannot be read.
    """
    try:
        return read_record(path, Journal)
    except BadRecord as error:
        raise ConfigurationError(
            f"{path} cannot be read, so the account's former callback is not known: {error}.",
            hint="Look the callback up in the Vonage dashboard, then delete the file.",
        ) from error


def write_journal(path: Path, journal: Journal) -> None:
    """Put it on disk, where it is when this returns. Raises ConfigurationError."""
    try:
        durable.replace(path, json.dumps(asdict(journal), indent=2).encode())
    except OSError as error:
        raise ConfigurationError(
            f"Cannot write {path}: {error.strerror}. Nothing was changed at Vonage.",
            hint="Make it writable: without it the former callback could not be given back after a crash.",
        ) from error


def forget(path: Path, journal: Journal, pending_url: str) -> None:
    """Take a registration that is over out of the journal.

    pending_url: a former callback that is still to be remembered; the file goes when there is none. Nothing is done
    when another session has written its own journal meanwhile.
    """
    with in_turn(path.parent):
        if is_anothers(path, journal):
            return
        if pending_url:
            write_journal(path, replace(journal, former_url=pending_url, pending_url=""))
            return
        with suppress(OSError):  # one that stays does no harm: the account does not hold ours any more
            durable.remove(path)


def is_anothers(path: Path, journal: Journal) -> bool:
    """Whether the journal on disk is that of another session."""
    try:
        return read_journal(path) not in (journal, None)
    except ConfigurationError:  # spoilt meanwhile; what we know is as good
        return False
