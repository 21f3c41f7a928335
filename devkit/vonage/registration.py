"""A callback URL at Vonage is set for a session, and the former one restored at its end.

The former URL is in a journal on disk before anything is changed, and each change is read back: the platform answers
200 to parameters that it does not know. The URL is read again right before each change. If it changed since a user
agreed to a take-over, the user is asked again; if it is somebody else's at the end, it stays. Between reading and
setting there is a moment that Vonage's API cannot close: it has no "set if it is still this".

Each URL is registered alone, with a journal of its own. One PUT could set both addresses of an application, but
somebody may change or take over one of them alone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from devkit.durable.lock import in_turn
from devkit.errors import VonageError
from devkit.events import Notice, Publish
from devkit.events.session import Registered, Restored
from devkit.vonage.journal import (
    Journal,
    devkit_host,
    next_journal,
    other_devkit,
    read_journal,
    refuse_foreign_journal,
    was_replaced,
    write_journal,
)
from devkit.vonage.restoration import LATER, Restoration, restore_callback
from devkit.vonage.setting import CallbackSetting
from devkit.webhook.masking import one_line

ConfirmTakeover = Callable[[str], None]


@dataclass(slots=True)
class Registration:
    """A callback URL at Vonage while it is ours. For one thread."""

    setting: CallbackSetting
    path: Path
    publish: Publish
    journal: Journal

    def move(self, our_url: str) -> None:
        """Change it to another URL of ours, unless somebody else has changed it.

        Raises VonageError, ConfigurationError.
        """
        current = self.setting.read().url
        if not self._journal_move(our_url, current):
            words = self.journal.words
            url = one_line(current) or f"no {words.url}"
            self.publish(
                Notice(f"The {words.owner} holds {url}, which this session did not set; it stays unchanged.")
            )
            return
        if current != our_url:
            self.setting.set_callback(our_url)
        self.publish(_registered(self.journal))

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


def _registered(journal: Journal) -> Registered:
    return Registered(journal.our_url, journal.former_url, journal.setting)


@contextmanager
def registered(
    setting: CallbackSetting, draft: Journal, path: Path, publish: Publish, confirm_takeover: ConfirmTakeover
) -> Iterator[Registration]:
    """Register our callback while the block runs; restore the former one afterwards.

    draft: the journal without what was there before, which is read here, right before the change.
    confirm_takeover: called with a sentence that says whose callback would be replaced, where the user must agree;
    raises to refuse. It may take long: if the URL has changed meanwhile, it is called again.
    Raises what `confirm_takeover` raises, ConfigurationError, and VonageError, also at the end of the block.
    """
    journal = _begin(setting, draft, path, publish, confirm_takeover)
    registration = Registration(setting, path, publish, journal)
    _set(registration, undo=_restore)
    try:
        yield registration
    finally:
        done = _restore(registration)
        publish(Restored(done.callback_url, done.outcome == "left-alone", done.setting))


def register(
    setting: CallbackSetting, draft: Journal, path: Path, publish: Publish, confirm_takeover: ConfirmTakeover
) -> Registration:
    """As `registered`, but the callback stays ours until somebody types `devkit restore`.

    An earlier URL of ours, which works, stays when Vonage refuses the new one.
    """
    journal = _begin(setting, draft, path, publish, confirm_takeover, stays=True)
    registration = Registration(setting, path, publish, journal)
    _set(registration, undo=_restore_earlier)
    return registration


def _set(ours: Registration, *, undo: Callable[[Registration], object]) -> None:
    """Set the callback to our URL. undo: called when Vonage refuses it."""
    try:
        ours.setting.set_callback(ours.journal.our_url)
    except VonageError as error:
        # Vonage may have saved it before the error. The first error is the one that is reported.
        try:
            undo(ours)
        except VonageError:
            raise VonageError(
                f"{error.message} What the {ours.journal.words.owner} holds now is not known.", hint=LATER
            ) from error
        raise
    ours.publish(_registered(ours.journal))


def _restore_earlier(ours: Registration) -> None:
    """Restore an earlier URL of ours; without one, the former URL."""
    earlier = ours.journal.earlier_url
    if not earlier:
        _restore(ours)
        return
    if ours.setting.read().url != earlier:
        ours.setting.set_callback(earlier)
    with in_turn(ours.path.parent):
        write_journal(ours.path, replace(ours.journal, our_url=earlier, earlier_url=""))


def _restore(ours: Registration) -> Restoration:
    def log(text: str) -> None:
        ours.publish(Notice(text))

    done = restore_callback(ours.setting, ours.journal, ours.path, log)
    if done.advice:
        log(done.advice)
    return done


def _begin(
    setting: CallbackSetting,
    draft: Journal,
    path: Path,
    publish: Publish,
    confirm_takeover: ConfirmTakeover,
    *,
    stays: bool = False,
) -> Journal:
    """Write the journal with what Vonage holds now, once it may be replaced. stays: as `register`."""
    confirmed: str | None = None
    while True:
        stored = setting.read()
        with in_turn(path.parent):
            refuse_foreign_journal(setting, path)
            previous = read_journal(path)
            journal = next_journal(draft, stored, previous)
            if stored.url == confirmed or (confirmed is None and not other_devkit(journal)):
                _report_earlier_sessions(previous, journal, publish, stays=stays)
                write_journal(path, journal)
                return journal
        confirm_takeover(_owner_in_words(journal, has_changed=confirmed is not None))
        confirmed = stored.url


def _owner_in_words(journal: Journal, *, has_changed: bool) -> str:
    host, setting = devkit_host(journal.former_url), journal.words.setting
    if not has_changed:
        return f"The {setting} is that of another devkit, at {host}."
    now = f"that of another devkit, at {host}" if host else one_line(journal.former_url) or "not set"
    return f"The {setting} has changed meanwhile: now it is {now}."


def _report_earlier_sessions(
    previous: Journal | None, journal: Journal, publish: Publish, *, stays: bool
) -> None:
    """Say what earlier sessions left; no former callback is dropped from the journal silently."""
    if journal.earlier_url and not stays:
        publish(Notice(f"A killed session left its callback in the {journal.words.owner}; it is replaced."))
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
