"""The account's delivery-receipt callback: set for a session, and the former one given back.

What was there before is written to a journal, on disk, before anything is changed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from devkit.durable.lock import in_turn
from devkit.errors import ConfigurationError, VonageError
from devkit.events import Notice, Publish, Registered, Restored
from devkit.http.host import names_loopback
from devkit.vonage.account import CallbackSetting
from devkit.vonage.give_back import LATER, Restoration, put_right
from devkit.vonage.journal import (
    Journal,
    devkit_host,
    host_and_path,
    is_anothers,
    next_journal,
    read_journal,
    write_journal,
)
from devkit.webhook.masking import one_line

Agree = Callable[[str], None]


def refuse_foreign_journal(account: CallbackSetting, path: Path) -> None:
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
    if journal.earlier_url:  # a leftover of our own
        return ""
    host = devkit_host(journal.former_url)
    return "" if host == host_and_path(journal.our_url)[0] else host


@dataclass(slots=True)
class Registration:
    """The account's callback while it is ours. For one thread."""

    account: CallbackSetting
    path: Path
    publish: Publish
    journal: Journal

    def move(self, our_url: str) -> None:
        """Have the account follow to another URL of ours, unless it holds somebody else's by now.

        Raises VonageError, ConfigurationError.
        """
        held = self.account.read_callback()
        if not self._journal_move(our_url, held):
            whose = one_line(held) or "no callback"
            self.publish(
                Notice(f"The account holds {whose}, which this session has not set; it is left alone.")
            )
            return
        if held != our_url:
            self.account.set_callback(our_url)
        self.publish(Registered(our_url, self.journal.former_url))

    def _journal_move(self, our_url: str, held: str) -> bool:
        """Write down where the callback goes; whether it is still ours to move."""
        with in_turn(self.path.parent):
            if not self.journal.covers(held) or is_anothers(self.path, self.journal):
                return False
            if held != our_url:
                journal = replace(self.journal, our_url=our_url, earlier_url=held)
                write_journal(self.path, journal)
                self.journal = journal
            return True


@contextmanager
def registered(
    account: CallbackSetting, draft: Journal, path: Path, publish: Publish, agree: Agree
) -> Iterator[Registration]:
    """The account's callback is ours while the block runs; afterwards the former one is given back.

    draft: the journal, without what the account holds: that is read here, right before it is changed.
    agree: gets in words what would be replaced, where somebody must be asked, and raises when it must not be. It may
    take its time: if the account has changed meanwhile, it is called again.
    Raises what `agree` raises, ConfigurationError, and VonageError, also on the way out.
    """
    journal = _begin(account, draft, path, publish, agree)

    def tell(words: str) -> None:
        publish(Notice(words))

    def give_back(journal: Journal) -> Restoration:
        done = put_right(account, journal, path, tell)
        if done.advice:
            tell(done.advice)
        return done

    try:
        account.set_callback(journal.our_url)
    except VonageError as error:
        # Vonage may have saved it before something failed: look, rather than guess. What failed first is told.
        try:
            give_back(journal)
        except VonageError:
            raise VonageError(
                f"{error.message} What the account holds now is not known.", hint=LATER
            ) from error
        raise
    publish(Registered(journal.our_url, journal.former_url))
    registration = Registration(account, path, publish, journal)
    try:
        yield registration
    finally:
        done = give_back(registration.journal)
        publish(Restored(done.callback_url, kept=done.outcome == "left-alone"))


def _begin(account: CallbackSetting, draft: Journal, path: Path, publish: Publish, agree: Agree) -> Journal:
    """The journal, on disk, of what the account holds at this moment and may be replaced."""
    agreed: str | None = None
    while True:
        held = account.read_callback()
        with in_turn(path.parent):
            refuse_foreign_journal(account, path)
            left = read_journal(path)
            journal = next_journal(draft, held, left)
            if held == agreed or (agreed is None and not other_devkit(journal)):
                _tell_of_earlier(left, journal, publish)
                write_journal(path, journal)
                return journal
        agree(_whose(journal, is_news=agreed is not None))
        agreed = held


def _whose(journal: Journal, *, is_news: bool) -> str:
    host = devkit_host(journal.former_url)
    if not is_news:
        return f"The account's callback is that of another devkit, at {host}."
    now = f"that of another devkit, at {host}" if host else one_line(journal.former_url) or "not set"
    return f"The account's callback has changed meanwhile: now it is {now}."


def _tell_of_earlier(left: Journal | None, journal: Journal, publish: Publish) -> None:
    """Say what an earlier session has left; nothing that it had found goes out of the journal unsaid."""
    if journal.earlier_url:
        publish(Notice("A session that was killed had left its callback in the account; it is replaced."))
    if left is None or left.identity != journal.identity:
        return
    remembered = (journal.former_url, journal.pending_url)
    for url in (left.former_url, left.pending_url):
        if url and url not in remembered:
            publish(Notice(f"An earlier session did not give back {one_line(url)}, which is now forgotten."))
    if journal.pending_url:
        publish(
            Notice(
                f"An earlier session did not give back {one_line(journal.pending_url)}. It stays in the journal; "
                "to give it back, stop this session and type: devkit restore --force"
            )
        )
