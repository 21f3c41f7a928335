"""Which callback URLs at Vonage a session sets, and `devkit restore` restores."""

import os
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from devkit.events import Publish
from devkit.vonage.account import AccountSetting
from devkit.vonage.application import ApplicationSetting
from devkit.vonage.client import Credentials
from devkit.vonage.journal import Journal, journal_path, refuse_foreign_journal
from devkit.vonage.registration import ConfirmTakeover, Registration, registered
from devkit.vonage.setting import AddressName, CallbackSetting


def settings_to_register(
    credentials: Credentials, *, inbound: bool = False, application_id: str = ""
) -> list[CallbackSetting]:
    """The settings that a session changes, in this order.

    inbound: also the account's URL for inbound messages. application_id: also the addresses of this application.
    """
    settings: list[CallbackSetting] = [AccountSetting(credentials)]
    if inbound:
        settings.append(AccountSetting(credentials, name="moCallBackUrl"))
    if application_id:
        names: tuple[AddressName, ...] = ("status_url", "inbound_url")
        settings += [ApplicationSetting(credentials, application_id, name) for name in names]
    return settings


def setting_of(credentials: Credentials, journal: Journal) -> CallbackSetting:
    """The setting that a journal is about, with these credentials."""
    if journal.setting == "drCallBackUrl" or journal.setting == "moCallBackUrl":
        return AccountSetting(credentials, name=journal.setting)
    return ApplicationSetting(credentials, journal.application_id, journal.setting)


@dataclass(frozen=True, slots=True)
class Registrations:
    """The registrations of a session, one for each setting. journal: the file for the account's callback."""

    settings: list[CallbackSetting]
    journal: Path
    publish: Publish
    confirm_takeover: ConfirmTakeover

    def check(self) -> None:
        """Find out, before anything is changed, whether it can be. Raises VonageError, ConfigurationError."""
        for setting in {setting.identity: setting for setting in self.settings}.values():
            setting.read()
        for setting in self.settings:
            refuse_foreign_journal(setting, journal_path(self.journal, setting.name))

    def register(self, stack: ExitStack, our_url: str, since: str) -> list[Registration]:
        """Register one after the other; each is restored when the stack closes. since: UTC, as text.

        Raises as `registered`.
        """
        done: list[Registration] = []
        for setting in self.settings:
            path, draft = journal_path(self.journal, setting.name), _draft(setting, our_url, since)
            if done and done[-1].journal.identity == draft.identity:  # its second address
                draft = replace(draft, former_application=done[-1].journal.former_application)
            registration = registered(setting, draft, path, self.publish, self.confirm_takeover)
            done.append(stack.enter_context(registration))
        return done


def _draft(setting: CallbackSetting, our_url: str, since: str) -> Journal:
    host, api_key, application_id = setting.identity
    return Journal(
        host,
        api_key,
        former_url="",
        our_url=our_url,
        since=since,
        pid=os.getpid(),
        setting=setting.name,
        application_id=application_id,
    )
