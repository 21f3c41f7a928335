"""The account's delivery-receipt callback: set for a session, restored at its end or by `devkit restore`.

The former callback is in a journal on disk before anything is changed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from devkit.durable.lock import in_turn
from devkit.errors import VonageError
from devkit.events import Notice, Publish
from devkit.events.session import Registered, Restored
from devkit.vonage.account import CallbackSetting
from devkit.vonage.journal import (
    Journal,
    clear_journal,
    devkit_host,
    is_temporary,
    next_journal,
    other_devkit,
    read_journal,
    refuse_foreign_journal,
    was_replaced,
    write_journal,
)
from devkit.webhook.masking import one_line

ConfirmTakeover = Callable[[str], None]
Log = Callable[[str], None]
RestoreOutcome = Literal["given-back", "cleared", "nothing", "left-alone"]

_LATER = "Once Vonage answers, type: devkit restore"


@dataclass(slots=True)
class Registration:
    """The account's callback while it is ours. For one thread."""

    account: CallbackSetting
    path: Path
    publish: Publish
    journal: Journal

    def move(self, our_url: str) -> None:
        """Change the account's callback to another URL of ours, unless somebody else has changed it.

        Raises VonageError, ConfigurationError.
        """
        current = self.account.read_callback()
        if not self._journal_move(our_url, current):
            url = one_line(current) or "no callback"
            self.publish(
                Notice(f"The account holds {url}, which this session did not set; it stays unchanged.")
            )
            return
        if current != our_url:
            self.account.set_callback(our_url)
        self.publish(Registered(our_url, self.journal.former_url))

    def _journal_move(self, our_url: str, current: str) -> bool:
        """Write the new URL into the journal; False when the callback is not ours any more."""
        with in_turn(self.path.parent):
            if not self.journal.is_ours(current) or was_replaced(self.path, self.journal):
                return False
            if current != our_url:
                journal = replace(self.journal, our_url=our_url, earlier_url=current)
                write_journal(self.path, journal)
                self.journal = journal
            return True


@contextmanager
def registered(
    account: CallbackSetting, draft: Journal, path: Path, publish: Publish, confirm_takeover: ConfirmTakeover
) -> Iterator[Registration]:
    """Register our callback while the block runs; restore the former one afterwards.

    draft: the journal without `former_url`, which is read here, right before the change.
    confirm_takeover: called with a sentence that says whose callback would be replaced, where the user must agree;
    raises to refuse. It may take long: if the account has changed meanwhile, it is called again.
    Raises what `confirm_takeover` raises, ConfigurationError, and VonageError, also at the end of the block.
    """
    journal = _begin(account, draft, path, publish, confirm_takeover)

    def log(text: str) -> None:
        publish(Notice(text))

    def restore(journal: Journal) -> Restoration:
        done = restore_callback(account, journal, path, log)
        if done.advice:
            log(done.advice)
        return done

    try:
        account.set_callback(journal.our_url)
    except VonageError as error:
        # Vonage may have saved it before the error. The first error is the one that is reported.
        try:
            restore(journal)
        except VonageError:
            raise VonageError(
                f"{error.message} What the account holds now is not known.", hint=_LATER
            ) from error
        raise
    publish(Registered(journal.our_url, journal.former_url))
    registration = Registration(account, path, publish, journal)
    try:
        yield registration
    finally:
        done = restore(registration.journal)
        publish(Restored(done.callback_url, kept=done.outcome == "left-alone"))


def _begin(
    account: CallbackSetting, draft: Journal, path: Path, publish: Publish, confirm_takeover: ConfirmTakeover
) -> Journal:
    """Write the journal with what the account holds now, once it may be replaced."""
    confirmed: str | None = None
    while True:
        current = account.read_callback()
        with in_turn(path.parent):
            refuse_foreign_journal(account, path)
            previous = read_journal(path)
            journal = next_journal(draft, current, previous)
            if current == confirmed or (confirmed is None and not other_devkit(journal)):
                _report_earlier_sessions(previous, journal, publish)
                write_journal(path, journal)
                return journal
        confirm_takeover(_owner_in_words(journal, has_changed=confirmed is not None))
        confirmed = current


def _owner_in_words(journal: Journal, *, has_changed: bool) -> str:
    host = devkit_host(journal.former_url)
    if not has_changed:
        return f"The account's callback is that of another devkit, at {host}."
    now = f"that of another devkit, at {host}" if host else one_line(journal.former_url) or "not set"
    return f"The account's callback has changed meanwhile: now it is {now}."


def _report_earlier_sessions(previous: Journal | None, journal: Journal, publish: Publish) -> None:
    """Say what earlier sessions left; no former callback is dropped from the journal silently."""
    if journal.earlier_url:
        publish(Notice("A killed session left its callback in the account; it is replaced."))
    if previous is None or previous.identity != journal.identity:
        return
    for url in (previous.former_url, previous.pending_url):
        if url and url not in (journal.former_url, journal.pending_url):
            publish(Notice(f"An earlier session did not restore {one_line(url)}, which is now forgotten."))
    if journal.pending_url:
        publish(
            Notice(
                f"An earlier session did not restore {one_line(journal.pending_url)}. It stays in the journal; "
                "to restore it, stop this session and type: devkit restore --force"
            )
        )


@dataclass(frozen=True, slots=True)
class Restoration:
    """The result of restoring the former callback.

    outcome: `nothing` when the account held it already; `left-alone` when it holds what somebody else set.
    callback_url: what the account holds now. pending_url: a former callback that was not restored and stays in the
    journal. lost_url: one that was not restored and is in no journal any more, so it must be printed.
    """

    outcome: RestoreOutcome
    callback_url: str = ""
    former_url: str = ""
    pending_url: str = ""
    lost_url: str = ""

    @property
    def advice(self) -> str:
        """What to do about a former callback that was not restored; empty when there is none."""
        if self.pending_url:
            return (
                f"The former callback {one_line(self.pending_url)} was not restored and stays in the journal. "
                "When no other devkit uses the account any more, type in this project: devkit restore --force"
            )
        if self.lost_url:
            return (
                f"The former callback {one_line(self.lost_url)} was not restored. "
                "If it is still wanted, set it in the Vonage dashboard: API settings."
            )
        return ""


def restore_callback(
    account: CallbackSetting,
    journal: Journal,
    path: Path,
    log: Log,
    *,
    clear: bool = False,
    force: bool = False,
) -> Restoration:
    """Restore the former callback, unless somebody else has changed the account's. Raises VonageError.

    The journal is removed when nothing is left to restore. It stays when Vonage refuses, and while another devkit has
    the account.
    clear: unset the callback instead. force: whatever the account holds; restores the oldest callback that is known.
    log: gets what `force` overwrites, before that, and the reason for each repetition.
    """
    restore = _Restore(account, journal, path, log, clear, force)
    # Each attempt reads and compares again, so a repetition overwrites nothing that was set in between. Setting the
    # same URL twice is the same as setting it once, so a change whose answer was lost does no harm either.
    return account.retry.run(lambda number: restore.attempt(is_repeat=number > 0), log)


@dataclass(frozen=True, slots=True)
class _Restore:
    """One call of `restore_callback`, with its arguments."""

    account: CallbackSetting
    journal: Journal
    path: Path
    log: Log
    clear: bool
    force: bool

    @property
    def wanted(self) -> str:
        """What the account shall hold afterwards."""
        if self.clear:
            return ""
        return self.journal.oldest_url if self.force else self.journal.former_url

    def attempt(self, *, is_repeat: bool) -> Restoration:
        try:
            current = self.account.read_callback()
        except VonageError as error:
            raise VonageError(
                f"{self._failure()} {error.message}", hint=_LATER, transient=error.transient
            ) from error
        if was_replaced(self.path, self.journal):
            # Another session of this project has taken over, and will restore what both found.
            return Restoration("left-alone", current)
        done: RestoreOutcome = "cleared" if self.clear else "given-back"
        if current != self.wanted and (self.force or self.journal.is_ours(current)):
            self._set(current)
            return self._finish(done, self.wanted)
        if current == self.wanted and is_repeat:  # set by an earlier attempt whose answer was lost
            return self._finish(done, current)
        if current in (self.wanted, self.journal.former_url):
            return self._finish("nothing", current)
        return self._leave(current)

    def _finish(self, outcome: RestoreOutcome, current: str) -> Restoration:
        journal = self.journal
        pending = "" if self.force or journal.pending_url == current else journal.pending_url
        clear_journal(self.path, journal, pending)
        return Restoration(outcome, current, journal.former_url, pending)

    def _leave(self, current: str) -> Restoration:
        """Leave the account unchanged, because it holds what somebody else set."""
        journal = self.journal
        oldest = "" if journal.oldest_url == current else journal.oldest_url
        if oldest and is_temporary(current):
            return Restoration("left-alone", current, journal.former_url, pending_url=oldest)
        clear_journal(self.path, journal, "")
        return Restoration("left-alone", current, journal.former_url, lost_url=oldest)

    def _set(self, current: str) -> None:
        if not self.journal.is_ours(current):
            self.log(f"The account holds {one_line(current) or 'no callback'}, which is replaced.")
        try:
            self.account.set_callback(self.wanted)
        except VonageError as error:
            # It may have been saved all the same, when only the answer was lost.
            with suppress(VonageError):
                if self.account.read_callback() == self.wanted:
                    return
            raise VonageError(
                f"{self._failure()} {error.message} The account was left with {one_line(current) or 'none'}",
                hint=self._hint(),
                transient=error.transient,
            ) from error

    def _hint(self) -> str:
        clear = "Or unset the callback: devkit restore --clear"
        pending = self.journal.pending_url
        if pending and self.wanted != pending:
            return f"To restore {one_line(pending)} instead, type: devkit restore --force. {clear}"
        if devkit_host(self.wanted):
            return f"If the session that it belongs to is over, type in its directory: devkit restore --force. {clear}"
        return f"Once Vonage and that URL answer, type: devkit restore. {clear}"

    def _failure(self) -> str:
        if self.clear:
            return "The callback could not be unset:"
        return f"The former callback {one_line(self.wanted) or '(none)'} could not be restored:"
