"""Restores the former callback URLs after a session that could not do it itself."""

from collections.abc import Iterator
from pathlib import Path

from devkit.errors import ConfigurationError, DevkitError, TunnelError, VonageError
from devkit.session.project import Project
from devkit.session.registrations import setting_of
from devkit.session.settings import Settings
from devkit.tunnel.orphans import end_orphans
from devkit.vonage.journal import Journal, journal_path, read_journal
from devkit.vonage.restoration import Log, Restoration, restore_callback
from devkit.vonage.setting import WORDS


def restore(
    settings: Settings,
    project: Project,
    *,
    clear: bool,
    force: bool = False,
    relay: bool = False,
    now: str,
    log: Log = lambda text: None,
) -> Iterator[Restoration]:
    """End what a killed session left of its tunnel, and restore its callback URLs; gives the result for each of them.

    relay: what `devkit relay register` replaced, instead.
    clear: unset them instead of restoring the former ones. force: whatever Vonage holds.
    now: UTC, as text. log: as in `restore_callback`.
    Raises CallbackHeldError while a session runs, TunnelError, VonageError, ConfigurationError; the first error when
    all were tried.
    """
    if not project.private.is_dir():
        return
    project.check_owner()
    first = project.relay_journal if relay else project.journal
    problems: list[DevkitError] = []
    with project.session_lock(now):
        try:
            for left in end_orphans(project.private):
                log(f"Ended {left} of a killed session.")
        except TunnelError as error:
            problems.append(error)
        for name in reversed(WORDS):  # as at the end of a session
            path = journal_path(first, name)
            try:
                if journal := read_journal(path):
                    yield _restore(settings, journal, path, log, clear=clear, force=force)
            except (VonageError, ConfigurationError) as error:
                problems.append(error)
    if problems:
        raise problems[0]


def _restore(
    settings: Settings, journal: Journal, path: Path, log: Log, *, clear: bool, force: bool
) -> Restoration:
    setting = setting_of(settings.credentials, journal)
    if journal.identity != setting.identity:
        problem = "those of another Vonage account" if settings.has_credentials else "no credentials"
        raise ConfigurationError(
            f"There is a former {journal.words.url} to restore, but the settings hold {problem}.",
            hint="Put the key and secret of the session's account into .env, then type: devkit restore",
        )
    return restore_callback(setting, journal, path, log, clear=clear, force=force)
