"""Which callback URLs at Vonage a session sets, and `devkit restore` restores."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from devkit.errors import VonageError
from devkit.events import Notice, Publish
from devkit.vonage.account import AccountSetting
from devkit.vonage.application import ApplicationSetting, LinkedNumber, numbers_of
from devkit.vonage.client import Credentials
from devkit.vonage.journal import Journal, journal_path, refuse_foreign_journal
from devkit.vonage.registration import ConfirmTakeover, Registration, register, registered
from devkit.vonage.setting import WORDS, AddressName, CallbackSetting
from devkit.webhook.masking import mask_number

Confirm = Callable[[str], bool]  # asks the user; False where no user can answer

_SHOWN_NUMBERS = 5


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


LINK_HINT = "To link one: Vonage dashboard, Applications. Or without one: devkit dev --inbound"


def numbers_in_words(numbers: list[LinkedNumber]) -> str:
    """Which inbound messages reach an application. numbers: those that are linked to it."""
    if not numbers:
        return "no number is linked to the application, so it gets no inbound message"
    text = (
        f"inbound messages to {_masked(numbers)} come to the application, if the account's Messaging API type is "
        "Messages API"
    )
    if elsewhere := [number for number in numbers if number.has_own_url]:
        text += f"; if it is SMS API, those to {_masked(elsewhere)} go to a URL of the number itself"
    return text


def _masked(numbers: list[LinkedNumber]) -> str:
    shown = ", ".join(mask_number(number.msisdn) for number in numbers[:_SHOWN_NUMBERS])
    return f"{shown}, ..." if len(numbers) > _SHOWN_NUMBERS else shown


def numbers_notice(credentials: Credentials, application_id: str) -> Notice:
    """What to say about the numbers of an application that was registered. Never raises: nothing depends on it."""
    try:
        numbers = numbers_of(credentials, application_id)
    except VonageError as error:
        return Notice(f"The numbers of the application are not known: {error.message}")
    text = numbers_in_words(numbers)
    return Notice(f"{text[0].upper()}{text[1:]}." + ("" if numbers else f" {LINK_HINT}"))


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

    def report_unrestored(self) -> None:
        """Say what a killed session left in settings that this session does not change."""
        own = {setting.name for setting in self.settings}
        for name in WORDS:
            if name not in own and journal_path(self.journal, name).exists():
                self.publish(
                    Notice(
                        f"An earlier session has not restored the {WORDS[name].setting}, and this session does not "
                        "set it. To restore it, stop this session and type: devkit restore"
                    )
                )

    def register(self, stack: ExitStack, our_url: str, since: str) -> list[Registration]:
        """Register one after the other; each is restored when the stack closes. since: UTC, as text.

        Raises as `registered`.
        """

        def until_closed(*arguments: Any) -> Registration:
            return stack.enter_context(registered(*arguments))

        return self._register(until_closed, our_url, since)

    def register_until_restored(self, our_url: str, since: str) -> None:
        """As `register`, but they stay until somebody types `devkit restore`."""
        self._register(register, our_url, since)

    def _register(self, how: Callable[..., Registration], our_url: str, since: str) -> list[Registration]:
        done: list[Registration] = []
        for setting in self.settings:
            path, draft = journal_path(self.journal, setting.name), _draft(setting, our_url, since)
            if done and done[-1].journal.identity == draft.identity:  # the second address of an application
                draft = replace(draft, former_application=done[-1].journal.former_application)
            done.append(how(setting, draft, path, self.publish, self.confirm_takeover))
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
