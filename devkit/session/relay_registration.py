"""`devkit relay register`: the account's callback is the relay's, until `devkit restore --relay`."""

from urllib.parse import urlsplit

from devkit.errors import CallbackHeldError, ConfigurationError, UsageError, VonageError
from devkit.events import Notice, Publish
from devkit.http.local_access import is_local_name
from devkit.session.project import Project
from devkit.session.registrations import Registrations, settings_to_register
from devkit.session.relay import account_callback_url, team_token
from devkit.session.run import Confirm
from devkit.session.settings import Settings
from devkit.vonage.journal import read_journal
from devkit.vonage.setting import CallbackSetting


def register_relay(
    settings: Settings,
    project: Project,
    public_url: str,
    *,
    inbound: bool,
    force: bool,
    now: str,
    publish: Publish,
    confirm: Confirm,
) -> None:
    """Set the account's callback to the relay. Vonage requests the URL first, so a receiver must be running.

    public_url: of the relay, https. inbound: also the URL for inbound messages. force, confirm: as in a session.
    now: UTC, as text. Raises CallbackHeldError while a session runs here, VonageError, ConfigurationError, UsageError.
    """
    project.prepare()
    url = account_callback_url(_checked(public_url), team_token(settings, project))
    if not settings.has_credentials:
        raise ConfigurationError(
            "There are no Vonage credentials, so there is no account to change.",
            hint="Put VONAGE_API_KEY and VONAGE_API_SECRET into .env.",
        )

    def confirm_takeover(text: str) -> None:
        if not (force or confirm(f"{text} Replace it by the relay's?")):
            raise CallbackHeldError(text, hint="Take it over: devkit relay register URL --force")

    with project.session_lock(now):
        if read_journal(project.journal):
            raise ConfigurationError(
                "A killed session left its callback in the account.",
                hint="Restore the former one first: devkit restore",
            )
        every = settings_to_register(settings.credentials, inbound=inbound)
        wanted = [setting for setting in every if _is_needed(setting, url, publish)]
        registrations = Registrations(wanted, project.relay_journal, publish, confirm_takeover)
        try:
            registrations.check()
            registrations.register_until_restored(url, now)
        except VonageError as error:
            error.hint = error.hint.replace("devkit restore", "devkit restore --relay")
            raise


def _is_needed(setting: CallbackSetting, url: str, publish: Publish) -> bool:
    if setting.read().url != url:
        return True
    publish(Notice(f"The account has the relay's URL already, as {setting.name}."))
    return False


def _checked(public_url: str) -> str:
    try:
        parts = urlsplit(public_url)
        host, scheme = parts.hostname or "", parts.scheme
    except ValueError:
        host, scheme = "", ""
    is_plain = (
        not (parts.path.strip("/") or parts.query or parts.fragment or parts.username) if host else False
    )
    if is_plain and (scheme == "https" or (scheme == "http" and is_local_name(host))):
        return public_url
    raise UsageError(
        f"Not the public URL of a relay: {public_url!r}.",
        hint="Write it without a path: devkit relay register https://dlr.example.com",
    )
