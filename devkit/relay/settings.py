"""The settings of the relay: where its engine is, the team's key, and who you are."""

import getpass
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from devkit.errors import ConfigurationError, UsageError
from devkit.fixture.listing import parse_duration
from devkit.relay.cipher import Cipher, parse_keys
from devkit.relay.engine_url import EngineURL, parse_engine_url
from devkit.relay.member import check_member, checked_length, is_member, member_in_url, public_part, with_part
from devkit.tunnel.types import url_problem

_KEEP = "7d"


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """callback_url: yours for a member, the relay's public one for a receiver; empty when it is not set.

    who: your name at the relay; empty when there is none that can be one.
    """

    cipher: Cipher
    keep: timedelta
    callback_url: str = field(default="", repr=False)  # it ends with the secret of your path
    who: str = ""
    _url: str = field(default="", repr=False)

    @property
    def public_url(self) -> str:
        """The relay's public URL, without the path of a member."""
        return public_part(self.callback_url)

    def engine_url(self, *, allow_plain: bool = False) -> EngineURL:
        """The engine. allow_plain: as in `parse_engine_url`. Raises ConfigurationError, also when none is set."""
        if not self._url:
            raise ConfigurationError(
                "DEVKIT_RELAY, the URL of the relay's engine, is not set.",
                hint="Put it into .env: DEVKIT_RELAY=rediss://USER:PASSWORD@HOST:6379",
            )
        return parse_engine_url(self._url, allow_plain=allow_plain)

    def name(self) -> str:
        """Your name at the relay. Raises ConfigurationError."""
        if self.who:
            return self.who
        raise ConfigurationError(
            "There is no name for you at the relay.", hint="Choose one, and put it into .env: DEVKIT_WHO=ada"
        )


def relay_settings(texts: Mapping[str, str], environ: Mapping[str, str]) -> RelaySettings:
    """The settings of the relay. texts: `Settings.relay`. environ: of the process. Raises ConfigurationError."""
    callback_url = _callback_url(texts.get("DEVKIT_RELAY_CALLBACK", ""))
    who = texts.get("DEVKIT_WHO", "")
    who = check_member(who) if who else _default_name(callback_url, environ)
    job = who.partition(".")[2]
    if job and member_in_url(callback_url).partition(".")[0] == who.partition(".")[0]:
        callback_url = with_part(callback_url, job)
    return RelaySettings(
        cipher=parse_keys(texts.get("DEVKIT_RELAY_KEY", "")),
        keep=_keep(texts.get("DEVKIT_RELAY_KEEP", _KEEP)),
        callback_url=callback_url,
        who=who,
        _url=texts.get("DEVKIT_RELAY", ""),
    )


def _keep(text: str) -> timedelta:
    try:
        keep = parse_duration(text)
    except UsageError as error:
        raise ConfigurationError(f"DEVKIT_RELAY_KEEP: {error.message}", hint=error.hint) from None
    if not keep:
        raise ConfigurationError("DEVKIT_RELAY_KEEP is 0: nothing would be kept.", hint="Write it as 7d.")
    return keep


def _callback_url(text: str) -> str:
    if text and url_problem(text):  # not shown: the URL of a member has a secret
        raise ConfigurationError(
            "DEVKIT_RELAY_CALLBACK is not an https URL without a user and a query.",
            hint="Ask your team for yours, which is printed by: devkit relay member NAME",
        )
    return checked_length(text.rstrip("/"))


def _default_name(callback_url: str, environ: Mapping[str, str]) -> str:
    """The name in the callback URL, else of the user, as far as it can be one. In CI with the number of the run."""
    run = environ.get("GITHUB_RUN_ID", "")
    name = member_in_url(callback_url) or ("ci" if run else _user_name())
    with_run = f"{name.partition('.')[0]}.{run}"
    return with_run if run and is_member(with_run) else name


def _user_name() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return ""
    name = re.sub("[^a-z0-9-]+", "-", user.lower()).strip("-")
    return name if is_member(name) else ""
