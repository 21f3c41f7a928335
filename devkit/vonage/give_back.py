"""The account's former callback given back: at the end of a session, or by `devkit restore` after a crash."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from devkit.errors import VonageError
from devkit.vonage.account import CallbackSetting
from devkit.vonage.journal import Journal, devkit_host, forget, is_anothers, may_return
from devkit.webhook.masking import one_line

RestoreOutcome = Literal["given-back", "cleared", "nothing", "left-alone"]
Tell = Callable[[str], None]

LATER = "Once Vonage answers, type: devkit restore"


@dataclass(frozen=True, slots=True)
class Restoration:
    """What became of the former callback.

    outcome: `nothing` when the account held it already; `left-alone` when it holds what somebody else set.
    callback_url: what the account holds now. pending_url: a former callback that was not given back and stays in the
    journal. lost_url: one that was not given back and is in no journal any more, so that it must be printed.
    """

    outcome: RestoreOutcome
    callback_url: str = ""
    former_url: str = ""
    pending_url: str = ""
    lost_url: str = ""

    @property
    def advice(self) -> str:
        """What to do about a former callback that was not given back; empty when there is none."""
        if self.pending_url:
            return (
                f"The former callback {one_line(self.pending_url)} was not given back and stays in the journal. "
                "When no other devkit uses the account any more, type in this directory: devkit restore --force"
            )
        if self.lost_url:
            return (
                f"The former callback {one_line(self.lost_url)} was not given back. "
                "If it is still wanted, set it in the Vonage dashboard: API settings."
            )
        return ""


@dataclass(frozen=True, slots=True)
class _Task:
    """What is to be given back. Fields as in `put_right`."""

    account: CallbackSetting
    journal: Journal
    path: Path
    tell: Tell
    clear: bool
    force: bool

    @property
    def wanted(self) -> str:
        """What the account is to hold in the end."""
        if self.clear:
            return ""
        return self.journal.oldest_url if self.force else self.journal.former_url


def put_right(
    account: CallbackSetting,
    journal: Journal,
    path: Path,
    tell: Tell,
    *,
    clear: bool = False,
    force: bool = False,
) -> Restoration:
    """Put the former callback back, unless the account holds somebody else's by now. Raises VonageError.

    The journal goes when there is nothing left to give back; it stays when Vonage refuses, and while another devkit has
    the account.
    clear: unset the callback instead. force: whatever the account holds, and back to the oldest callback that is known.
    tell: hears what is overwritten by force, before it is, and why there is another attempt.
    """
    task = _Task(account, journal, path, tell, clear, force)
    # Each attempt looks and compares again, so that a repeat overwrites nothing that somebody has set in between.
    # Setting the same URL twice is the same as setting it once, so a change whose answer was lost does no harm either.
    return account.retry.run(lambda number: _attempt(task, is_repeat=number > 0), tell)


def _attempt(task: _Task, *, is_repeat: bool) -> Restoration:
    journal, wanted = task.journal, task.wanted
    try:
        held = task.account.read_callback()
    except VonageError as error:
        raise VonageError(
            f"{_not_done(task)} {error.message}", hint=LATER, transient=error.transient
        ) from error
    if is_anothers(task.path, journal):
        # Another session of this directory has taken over: it gives back what both found.
        return Restoration("left-alone", held)
    done: RestoreOutcome = "cleared" if task.clear else "given-back"
    if held != wanted and (task.force or journal.covers(held)):
        _set(task, held)
        return _settled(task, done, wanted)
    if held == wanted and is_repeat:  # set by an attempt before, whose answer was lost
        return _settled(task, done, held)
    if held in (wanted, journal.former_url):
        return _settled(task, "nothing", held)
    return _left_alone(task, held)


def _settled(task: _Task, outcome: RestoreOutcome, held: str) -> Restoration:
    journal = task.journal
    pending = "" if task.force or journal.pending_url == held else journal.pending_url
    forget(task.path, journal, pending)
    return Restoration(outcome, held, journal.former_url, pending)


def _left_alone(task: _Task, held: str) -> Restoration:
    journal = task.journal
    oldest = "" if journal.oldest_url == held else journal.oldest_url
    if oldest and may_return(held):
        return Restoration("left-alone", held, journal.former_url, pending_url=oldest)
    forget(task.path, journal, "")
    return Restoration("left-alone", held, journal.former_url, lost_url=oldest)


def _set(task: _Task, held: str) -> None:
    if not task.journal.covers(held):
        task.tell(f"The account holds {one_line(held) or 'no callback'}, which is replaced.")
    try:
        task.account.set_callback(task.wanted)
    except VonageError as error:
        # It may have been saved all the same, when only the answer was lost.
        with suppress(VonageError):
            if task.account.read_callback() == task.wanted:
                return
        raise VonageError(
            f"{_not_done(task)} {error.message} The account was left with {one_line(held) or 'none'}",
            hint=_hint(task),
            transient=error.transient,
        ) from error


def _hint(task: _Task) -> str:
    clear = "Or unset the callback: devkit restore --clear"
    pending = task.journal.pending_url
    if pending and task.wanted != pending:
        return f"To give back {one_line(pending)} instead, type: devkit restore --force. {clear}"
    if devkit_host(task.wanted):
        return f"If the session that it belongs to is over, type in its directory: devkit restore --force. {clear}"
    return f"Once Vonage and that URL answer, type: devkit restore. {clear}"


def _not_done(task: _Task) -> str:
    if task.clear:
        return "The callback could not be unset:"
    return f"The former callback {one_line(task.wanted) or '(none)'} could not be given back:"
