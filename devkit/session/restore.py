"""Restores the account's former callback after a session that could not do it itself."""

from devkit.errors import ConfigurationError
from devkit.session.project import Project
from devkit.session.settings import Settings
from devkit.tunnel.orphaned_agents import end_orphaned_agents
from devkit.vonage.account import CallbackSetting
from devkit.vonage.journal import read_journal
from devkit.vonage.registration import Log, Restoration, restore_callback


def restore(
    settings: Settings,
    project: Project,
    *,
    clear: bool,
    force: bool = False,
    now: str,
    log: Log = lambda text: None,
) -> Restoration:
    """End the agent and restore the callback that a killed session left.

    clear: unset the callback instead of restoring the former one. force: whatever the account holds.
    now: UTC, as text. log: as in `restore_callback`.
    Raises CallbackHeldError while a session runs, VonageError, ConfigurationError.
    """
    if not project.private.is_dir():
        return Restoration("nothing")
    project.check_owner()
    with project.session_lock(now):
        end_orphaned_agents(project.private)
        journal = read_journal(project.journal)
        if journal is None:
            return Restoration("nothing")
        account = CallbackSetting(settings.credentials)
        if journal.identity != account.identity:
            problem = "those of another Vonage account" if settings.has_credentials else "no credentials"
            raise ConfigurationError(
                f"There is a former callback to restore, but the settings hold {problem}.",
                hint="Put the key and secret of the session's account into .env, then type: devkit restore",
            )
        return restore_callback(account, journal, project.journal, log, clear=clear, force=force)
