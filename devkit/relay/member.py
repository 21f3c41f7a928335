"""Whose webhook it is: the member in the callback path, else in `client-ref`, else nobody.

A member is a name, such as `ada`. What a member starts may add a part of its own: `ci.4711` belongs to `ci`, and the
token of `ci` opens the path of every `ci.…`.
"""

import base64
import hmac
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from devkit.errors import ConfigurationError
from devkit.webhook.callback import CALLBACK_PATH, MAX_CALLBACK, RELAY_PATH, Callback, is_origin_form

_TOKEN_BYTES = 16

# A name begins with a letter: then no phone number is one, and names are not encrypted on the engine.
_WHO = re.compile(r"[a-z][a-z0-9-]{0,31}(?:\.[a-z0-9-]{1,32})?", re.ASCII)
_MEMBER_URL = re.compile(rf"https?://[^/]+{RELAY_PATH}/[A-Za-z0-9_-]{{22}}/([^/]+)", re.ASCII)


def is_member(who: str) -> bool:
    """Whether a text is the name of a member, perhaps with a part of its own: `ada`, `ci.4711`."""
    return _WHO.fullmatch(who) is not None


def check_member(who: str) -> str:
    """The same name, or a ConfigurationError."""
    if is_member(who):
        return who
    raise ConfigurationError(
        f"{who!r} cannot be a member's name.",
        hint="Use a to z, 0 to 9 and -, a letter first, at most 32 characters. For a job: ci.4711",
    )


def member_token(team_token: str, who: str) -> str:
    """The secret of a member's callback path. Nobody finds another member's from it."""
    name = who.partition(".")[0]
    digest = hmac.digest(team_token.encode(), b"devkit relay member " + name.encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:_TOKEN_BYTES]).rstrip(b"=").decode()


def member_path(team_token: str, who: str) -> str:
    """The callback path of a member. It is short, because a callback URL has at most 100 characters."""
    return f"{RELAY_PATH}/{member_token(team_token, who)}/{who}"


def member_url(base: str, team_token: str, who: str) -> str:
    """The callback URL of a member, for its own messages. base: the relay's public URL. Raises ConfigurationError."""
    return checked_length(f"{base.rstrip('/')}{member_path(team_token, check_member(who))}")


def with_part(callback_url: str, part: str) -> str:
    """A member's callback URL for what it starts, such as a CI job: `…/ci` becomes `…/ci.4711`."""
    who = callback_url.rpartition("/")[2]
    return checked_length(callback_url.removesuffix(who) + check_member(f"{who.partition('.')[0]}.{part}"))


def member_in_url(callback_url: str) -> str:
    """The name at the end of a member's callback URL; empty for any other URL."""
    match = _MEMBER_URL.fullmatch(callback_url)
    return match[1] if match and is_member(match[1]) else ""


def public_part(callback_url: str) -> str:
    """The relay's public URL in a member's callback URL; any other URL as it is."""
    return callback_url.rpartition(f"{RELAY_PATH}/")[0] if member_in_url(callback_url) else callback_url


def checked_length(url: str) -> str:
    """The same callback URL, or a ConfigurationError when a message cannot have it."""
    if len(url) <= MAX_CALLBACK:
        return url
    raise ConfigurationError(
        f"The callback URL would be {len(url)} characters long; Vonage's SDK takes {MAX_CALLBACK}.",
        hint="Use a shorter domain for the relay, or a shorter name.",
    )


@dataclass(frozen=True, slots=True)
class MemberAccess:
    """Who may send to a relay: the account with the team's token, and each member with its own.

    Nothing counts as local: a reverse proxy is on this machine too, and not every one adds a forwarding header.
    """

    team_token: str = field(repr=False)

    def admits(self, callback: Callback, remote: str) -> bool:
        """Whether a request has a path of this relay, with its token."""
        if not is_origin_form(callback.target):
            return False
        path = unquote(f"/{callback.path.lstrip('/')}", encoding="latin-1")
        account, _, token = path.rpartition("/")
        if account == CALLBACK_PATH:
            return hmac.compare_digest(token.encode(), self.team_token.encode())
        return bool(_member_in(path, self.team_token))

    def is_local(self, callback: Callback, remote: str) -> bool:
        return False


def owner(callback: Callback, client_ref: str, team_token: str) -> str:
    """Whose webhook it is; empty when nobody claims it. client_ref: what the webhook says; empty without one."""
    if who := _member_in(unquote(callback.path, encoding="latin-1"), team_token):
        return who
    who, mark, _ = client_ref.partition(":")
    return who if mark and is_member(who) else ""


def _member_in(path: str, team_token: str) -> str:
    """The member whose path this is; empty for any other path."""
    start, _, rest = path.lstrip("/").partition("/")
    token, _, who = rest.partition("/")
    if f"/{start}" != RELAY_PATH or not is_member(who):
        return ""
    return who if hmac.compare_digest(token.encode(), member_token(team_token, who).encode()) else ""
