"""The former callback URL is restored: at the end of a session, or later by `devkit restore`."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from devkit.errors import VonageError
from devkit.events.session import SettingName
from devkit.vonage.journal import Journal, clear_journal, devkit_host, is_temporary, was_replaced
from devkit.vonage.setting import WORDS, CallbackSetting
from devkit.webhook.masking import one_line

Log = Callable[[str], None]
RestoreOutcome = Literal["given-back", "cleared", "nothing", "left-alone"]

LATER = "Once Vonage answers, type: devkit restore"


@dataclass(frozen=True, slots=True)
class Restoration:
    """The result of restoring the former callback.

    outcome: `nothing` when Vonage held it already; `left-alone` when it holds what somebody else set.
    callback_url: what Vonage holds now. pending_url: a former callback, empty for none, that was not restored and stays
    in the journal; None when nothing stays there. lost_url: one that was not restored and is in no journal any more, so
    it must be printed.
    """

    outcome: RestoreOutcome
    callback_url: str = ""
    former_url: str = ""
    pending_url: str | None = None
    lost_url: str = ""
    setting: SettingName = "drCallBackUrl"

    @property
    def advice(self) -> str:
        """What to do about a former callback that was not restored, or leads nowhere; empty when all is well."""
        words = WORDS[self.setting]
        if self.pending_url is not None:
            was = f"The former {words.url} {one_line(self.pending_url)} was not restored and stays in the journal."
            none = f"Before the session the {words.setting} was not set, which stays in the journal."
            return (
                f"{was if self.pending_url else none} When no other devkit uses the {words.owner} any more, "
                "type in this project: devkit restore --force"
            )
        if self.lost_url:
            return (
                f"The former {words.url} {one_line(self.lost_url)} was not restored. "
                f"If it is still wanted, set it in the Vonage dashboard: {words.page}."
            )
        # An account's callback answered just now, or Vonage had refused it.
        host = devkit_host(self.callback_url)
        if host and self.outcome == "given-back" and words.owner == "application":
            return (
                f"The {words.setting} is that of another devkit again, at {host}. "
                "If that has ended, type in its project: devkit restore"
            )
        return ""


def restore_callback(
    setting: CallbackSetting,
    journal: Journal,
    path: Path,
    log: Log,
    *,
    clear: bool = False,
    force: bool = False,
) -> Restoration:
    """Restore the former callback, unless somebody else has set another one. Raises VonageError.

    The journal is removed when nothing is left to restore. It stays when Vonage refuses, and while another devkit has
    set its own.
    clear: unset the callback instead. force: whatever Vonage holds; restores the oldest callback that is known.
    log: gets what `force` overwrites, before that, and the reason for each repetition.
    """
    restore = _Restore(setting, journal, path, log, clear, force)
    # Each attempt reads and compares again, so a repetition overwrites nothing that was set in between. Setting the
    # same URL twice is the same as setting it once, so a change whose answer was lost does no harm either.
    return setting.retry.run(lambda number: restore.attempt(is_repeat=number > 0), log)


@dataclass(frozen=True, slots=True)
class _Restore:
    """One call of `restore_callback`, with its arguments."""

    setting: CallbackSetting
    journal: Journal
    path: Path
    log: Log
    clear: bool
    force: bool

    @property
    def wanted(self) -> str:
        """What Vonage shall hold afterwards."""
        if self.clear:
            return ""
        return self.journal.oldest_url if self.force else self.journal.former_url

    def attempt(self, *, is_repeat: bool) -> Restoration:
        try:
            current = self.setting.read().url
        except VonageError as error:
            gone = f"If the application was deleted, there is nothing to restore: delete {self.path}"
            raise VonageError(
                f"{self._failure()} {error.message}",
                hint=gone if error.status == 404 else LATER,
                transient=error.transient,
            ) from error
        if was_replaced(self.path, self.journal):
            # Another session of this project has taken over, and will restore what both found.
            return self._done("left-alone", current)
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
        return self._done(outcome, current, pending=pending or None)

    def _leave(self, current: str) -> Restoration:
        """Change nothing, because Vonage holds what somebody else set."""
        oldest = self.journal.oldest_url
        if oldest != current and is_temporary(current):
            # Also if nothing was set before: the other devkit may restore our URL, after our end.
            return self._done("left-alone", current, pending=oldest)
        clear_journal(self.path, self.journal, "")
        return self._done("left-alone", current, lost="" if oldest == current else oldest)

    def _done(
        self, outcome: RestoreOutcome, current: str, *, pending: str | None = None, lost: str = ""
    ) -> Restoration:
        return Restoration(outcome, current, self.journal.former_url, pending, lost, self.journal.setting)

    def _set(self, current: str) -> None:
        if not self.journal.is_ours(current):
            words = self.journal.words
            replaced = one_line(current) or f"no {words.url}"
            self.log(f"The {words.owner} holds {replaced}, which is replaced.")
        try:
            self.setting.set_callback(self.wanted, self.journal.former_application)
        except VonageError as error:
            # It may have been saved all the same, when only the answer was lost.
            with suppress(VonageError):
                if self.setting.read().url == self.wanted:
                    return
            raise VonageError(
                f"{self._failure()} {error.message} "
                f"The {self.journal.words.owner} was left with {one_line(current) or 'none'}",
                hint=self._hint(),
                transient=error.transient,
            ) from error

    def _hint(self) -> str:
        clear = f"Or unset the {self.journal.words.url}: devkit restore --clear"
        pending = self.journal.pending_url
        if pending and self.wanted != pending:
            return f"To restore {one_line(pending)} instead, type: devkit restore --force. {clear}"
        if devkit_host(self.wanted):
            return f"If the session that it belongs to is over, type in its directory: devkit restore --force. {clear}"
        return f"Once Vonage and that URL answer, type: devkit restore. {clear}"

    def _failure(self) -> str:
        name = self.journal.words.url
        if self.clear:
            return f"The {name} could not be unset:"
        return f"The former {name} {one_line(self.wanted) or '(none)'} could not be restored:"
