"""Gives the account's former callback back after a session that could not do it itself."""

from devkit.errors import ConfigurationError
from devkit.session.project import Project
from devkit.session.settings import Settings
from devkit.tunnel.orphaned_agents import end_leftover_agent
from devkit.vonage.account import CallbackSetting
from devkit.vonage.client import Credentials
from devkit.vonage.give_back import Restoration, Tell, put_right
from devkit.vonage.journal import Journal, read_journal


def restore(
    settings: Settings,
    project: Project,
    *,
    clear: bool,
    force: bool = False,
    now: str,
    tell: Tell = lambda words: None,
) -> Restoration:
    """Put right what a killed session has left, in the account and on this machine.

    clear: unset the callback instead of giving the former one back. force: whatever the account holds.
    now: UTC, as text. tell: as in `put_right`.
    Raises CallbackHeldError while a session runs, VonageError, ConfigurationError.
    """
    if not project.private.is_dir():
        return Restoration("nothing")
    with project.alone(now):
        end_leftover_agent(project.private)
        left = read_journal(project.journal)
        if left is None:
            return Restoration("nothing")
        account = _account_of(left, settings)
        return put_right(account, left, project.journal, tell, clear=clear, force=force)


def _account_of(left: Journal, settings: Settings) -> CallbackSetting:
    account = CallbackSetting(Credentials(settings.api_key, settings.api_secret, settings.rest_host))
    if left.identity == account.identity:
        return account
    what = "those of another Vonage account" if settings.has_credentials else "no credentials"
    raise ConfigurationError(
        f"There is a former callback to give back, but the settings hold {what}.",
        hint="Put the key and secret of the session's account into .env, then type: devkit restore",
    )
