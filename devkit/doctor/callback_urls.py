"""Checks the callback URLs at Vonage: whose they are, and whether an application gets inbound messages."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from devkit.doctor.check import Check, Context, failed, ok, refused, skipped
from devkit.errors import ConfigurationError, VonageError
from devkit.events.session import SettingName
from devkit.session.credentials import application_key, is_pair
from devkit.session.project import Session
from devkit.session.registrations import LINK_HINT, numbers_in_words, settings_to_register
from devkit.vonage.application import key_of, numbers_of
from devkit.vonage.journal import Journal, devkit_host, journal_path, read_journal
from devkit.vonage.setting import WORDS
from devkit.webhook.masking import one_line


@dataclass(frozen=True, slots=True)
class _Step:
    """The step of a setting. webhook: what Vonage sends there. command: sets it for a session."""

    name: str
    webhook: str
    command: str


_STEPS: dict[SettingName, _Step] = {
    "drCallBackUrl": _Step("callback", "receipt", "devkit dev"),
    "moCallBackUrl": _Step("inbound", "inbound message", "devkit dev --inbound"),
    "status_url": _Step("status_url", "status", "devkit dev --application ID"),
    "inbound_url": _Step("inbound_url", "inbound message", "devkit dev --application ID"),
}


def url_check(context: Context, setting: SettingName, current: str | None) -> Check:
    """What a callback URL at Vonage means for this project. current: None when it could not be read."""
    step = _STEPS[setting].name
    if current is None:
        return skipped(step, f"the {WORDS[setting].owner}'s settings could not be read")
    try:
        journal = read_journal(journal_path(context.project.journal, setting))
    except ConfigurationError as error:
        return refused(step, error)
    if context.session:
        return _with_session(context.session, setting, journal, current)
    if journal and journal.is_ours(current):
        return failed(
            step,
            f"a killed session left its own {WORDS[setting].url} in the {WORDS[setting].owner}: "
            f"no program gets the {_plural(setting)}",
            f"devkit restore ({_STEPS[setting].command} fixes it too)",
        )
    return _without_session(setting, current)


def _with_session(session: Session, setting: SettingName, journal: Journal | None, current: str) -> Check:
    step, owner = _STEPS[setting], WORDS[setting].owner
    if current == session.callback_url:
        return ok(step.name, f"the {owner} holds this session's: every {step.webhook} comes here")
    found = f"the {owner} holds {_without_secrets(current)}"
    # The journal is that of live sessions. In a container an offline one may have the number of a killed one.
    if session.mode == "live" and journal and journal.pid == session.pid:
        return failed(
            step.name,
            f"{found}, which this session did not set: {_plural(setting)} go there",
            f"Find out who set it. To take it back, start again: {step.command}. Or: devkit send",
        )
    if setting in ("drCallBackUrl", "status_url"):
        return ok(
            step.name,
            f"{found}; only messages with their own callback come here, such as those of devkit send",
        )
    return ok(step.name, f"{found}; no {step.webhook} comes here. To have them here: {step.command}")


def _without_session(setting: SettingName, current: str) -> Check:
    step, owner = _STEPS[setting], WORDS[setting].owner
    if not current:
        return ok(step.name, f"the {owner} holds none; {step.command} sets its own while it runs")
    if devkit_host(current):
        return failed(
            step.name,
            f"another devkit has the {owner}'s: {_without_secrets(current)}",
            f"Ask who runs it. Or take it over: {step.command} --force. Or share: devkit dev --no-register",
        )
    return ok(
        step.name,
        f"the {owner} holds {_without_secrets(current)}; {step.command} replaces it while it runs, then restores it",
    )


def _plural(setting: SettingName) -> str:
    webhook = _STEPS[setting].webhook
    return f"{webhook}es" if webhook.endswith("s") else f"{webhook}s"


def _without_secrets(url: str) -> str:
    """A callback URL without the parts that may be secret: the path, the query, a password."""
    if not url:
        return "none"
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if not parts.netloc:
        return "something that is not a URL"
    return one_line(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/...", 100)


def application_checks(context: Context) -> Iterator[Check]:
    """The application of the settings: known, its two addresses, the numbers that are linked to it, and its key."""
    application_id, credentials = context.settings.application_id, context.credentials
    if credentials is None:
        yield skipped("application", context.why_no_account)
        return
    if context.mode == "offline":
        yield skipped("application", "offline mode uses that of the simulator")
        return
    if not application_id:
        yield skipped("application", "none is set", "For one: VONAGE_APPLICATION_ID in .env")
        return
    found: list[Check] = []
    try:
        for setting in settings_to_register(credentials, application_id=application_id)[1:]:
            stored = setting.read()
            found.append(url_check(context, setting.name, stored.url))
        found.append(_private_key(context, stored.application))
        numbers = numbers_of(credentials, application_id)
        yield ok("application", numbers_in_words(numbers), "" if numbers else LINK_HINT)
    except (VonageError, ConfigurationError) as error:
        yield refused("application", error)
    yield from found


def _private_key(context: Context, application: str) -> Check:
    """Whether the private key of the settings can be used, and belongs to the application."""
    try:
        key = application_key(context.settings, context.project.private.parent)
    except ConfigurationError as error:
        return refused("private key", error)
    if key is None:
        return skipped("private key", "none is set; devkit send --api messages uses the key and the secret")
    public_key = key_of(json.loads(application))
    if public_key and not is_pair(key.private_key, public_key):
        return failed(
            "private key",
            "VONAGE_PRIVATE_KEY is not the key that the application has now",
            "Use the private.key of this application; a new one: Vonage dashboard, Applications, Generate public "
            "and private key",
        )
    return ok("private key", "it can be used" + (", and belongs to the application" if public_key else ""))
