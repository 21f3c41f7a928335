"""The account's delivery-receipt callback: set for a session, and the former one given back.

What was there before is written to a journal, on disk, before anything is changed.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from devkit import durable
from devkit.callback import CALLBACK_PATH
from devkit.errors import ConfigurationError, VonageError
from devkit.event import Emit, Notice, Registered, Restored
from devkit.loopback import names_loopback
from devkit.redact import one_line
from devkit.registration.account import Account
from devkit.registration.journal import Journal, read_journal, write_journal

Outcome = Literal["given-back", "cleared", "nothing", "left-alone"]

_LATER = "Once Vonage answers, type: devkit restore"

# As devkit makes them. The path without a token is one that tutorials use too.
_DEVKIT_PATH = re.compile(rf"{CALLBACK_PATH}/[A-Za-z0-9_-]{{16,}}")


@dataclass(frozen=True, slots=True)
class Restoration:
    """What became of the former callback.

    outcome: `nothing` when the account held it already; `left-alone` when it holds what somebody else set.
    callback_url: what the account holds now.
    """

    outcome: Outcome
    callback_url: str = ""
    former_url: str = ""


def next_journal(account: Account, our_url: str, path: Path, *, since: str, pid: int) -> Journal:
    """The journal of a registration that is about to begin; asks the account what it holds.

    The former callback is what the account holds; after a session that was killed, what its journal says.
    Raises VonageError, ConfigurationError.
    """
    held = account.read_callback()
    left = read_journal(path)
    host, api_key = account.identity
    if left and left.identity == account.identity and left.covers(held):
        return Journal(host, api_key, left.former_url, our_url, since, pid, earlier_url=held)
    return Journal(host, api_key, held, our_url, since, pid)


def refuse_foreign_journal(account: Account, path: Path) -> None:
    """Raise ConfigurationError for a journal of another account: to begin would be to forget what it holds."""
    left = read_journal(path)
    # A simulator's account does not outlive it, so nothing can be forgotten there.
    if left and left.identity != account.identity and not names_loopback(left.host):
        raise ConfigurationError(
            f"{path} holds the former callback of another Vonage account, which was not given back yet.",
            hint="Put that account's key and secret into .env and type: devkit restore. Or delete the file.",
        )


def other_devkit(journal: Journal) -> str:
    """The host of another running devkit whose callback a registration would replace; empty when it would not."""
    try:
        held, ours = urlsplit(journal.former_url), urlsplit(journal.our_url)
    except ValueError:  # such as that of `http://[`, which no devkit sets
        return ""
    is_leftover = bool(journal.earlier_url)
    if is_leftover or held.netloc == ours.netloc or not _DEVKIT_PATH.fullmatch(held.path):
        return ""
    return one_line(held.netloc)


@dataclass(slots=True)
class Registration:
    """The account's callback while it is ours. For one thread."""

    account: Account
    path: Path
    emit: Emit
    journal: Journal

    def move(self, our_url: str) -> None:
        """Have the account follow to another URL of ours, unless it holds somebody else's by now.

        Raises VonageError, ConfigurationError.
        """
        held = self.account.read_callback()
        if not self.journal.covers(held) or _is_anothers(self.path, self.journal):
            whose = one_line(held) or "no callback"
            self.emit(Notice(f"The account holds {whose}, which this session has not set; it is left alone."))
            return
        if held != our_url:
            journal = replace(self.journal, our_url=our_url, earlier_url=held)
            write_journal(self.path, journal)
            self.journal = journal
            self.account.set_callback(our_url)
        self.emit(Registered(our_url, self.journal.former_url))


@contextmanager
def registered(account: Account, journal: Journal, path: Path, emit: Emit) -> Iterator[Registration]:
    """The account's callback is ours while the block runs; afterwards the former one is given back.

    journal: with `former_url` as the account holds it now. Raises VonageError, also on the way out.
    """
    write_journal(path, journal)
    try:
        account.set_callback(journal.our_url)
    except VonageError as error:
        # Vonage may have saved it before something failed: look, rather than guess. What failed first is told.
        try:
            put_right(account, journal, path)
        except VonageError:
            raise VonageError(
                f"{error.message} What the account holds now is not known.", hint=_LATER
            ) from error
        raise
    emit(Registered(journal.our_url, journal.former_url))
    registration = Registration(account, path, emit, journal)
    try:
        yield registration
    finally:
        done = put_right(account, registration.journal, path)
        emit(Restored(done.callback_url, kept=done.outcome == "left-alone"))


def put_right(account: Account, journal: Journal, path: Path, *, clear: bool = False) -> Restoration:
    """Put the former callback back, unless the account holds somebody else's by now. Raises VonageError.

    The journal goes when there is nothing left to give back; it stays when Vonage refuses.
    clear: unset the callback instead.
    """
    try:
        held = account.read_callback()
    except VonageError as error:
        raise VonageError(f"{_not_done(journal, clear)} {error.message}", hint=_LATER) from error
    if _is_anothers(path, journal):
        # Another session of this directory has taken over: it gives back what both found.
        return Restoration("left-alone", held, journal.former_url)
    wanted = "" if clear else journal.former_url
    outcome: Outcome = "nothing" if held in (wanted, journal.former_url) else "left-alone"
    if journal.covers(held) and held != wanted:
        _put_back(account, journal, clear=clear)
        held, outcome = wanted, "cleared" if clear else "given-back"
    with suppress(OSError):  # one that stays does no harm: the account does not hold ours any more
        durable.remove(path)
    return Restoration(outcome, held, journal.former_url)


def _put_back(account: Account, journal: Journal, *, clear: bool) -> None:
    wanted = "" if clear else journal.former_url
    try:
        account.set_callback(wanted)
    except VonageError as error:
        # It may have been saved all the same, when only the answer was lost.
        with suppress(VonageError):
            if account.read_callback() == wanted:
                return
        raise VonageError(
            f"{_not_done(journal, clear)} {error.message} The account was left with {one_line(journal.our_url)}",
            hint="Once Vonage and that URL answer, type: devkit restore. Or unset the callback: devkit restore --clear",
        ) from error


def _not_done(journal: Journal, clear: bool) -> str:
    if clear:
        return "The callback could not be unset:"
    return f"The former callback {one_line(journal.former_url) or '(none)'} could not be given back:"


def _is_anothers(path: Path, journal: Journal) -> bool:
    """Whether the journal on disk is that of another session."""
    try:
        return read_journal(path) not in (journal, None)
    except ConfigurationError:  # spoilt meanwhile; what we know is as good
        return False
