"""A callback URL at Vonage that devkit changes and restores: of the account, or of an application."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar

from devkit.errors import VonageError
from devkit.events.session import SettingName
from devkit.webhook.masking import one_line

T = TypeVar("T")

AccountSettingName = Literal["drCallBackUrl", "moCallBackUrl"]
AddressName = Literal["status_url", "inbound_url"]


@dataclass(frozen=True, slots=True)
class Words:
    """How messages name a setting, what it belongs to, and the page of the Vonage dashboard that has it."""

    url: str
    owner: str
    page: str

    @property
    def setting(self) -> str:
        return f"{self.owner}'s {self.url}"


WORDS: dict[SettingName, Words] = {
    "drCallBackUrl": Words("callback", "account", "API settings"),
    "moCallBackUrl": Words("inbound URL", "account", "API settings"),
    "status_url": Words("status URL", "application", "Applications"),
    "inbound_url": Words("inbound URL", "application", "Applications"),
}


@dataclass(frozen=True, slots=True)
class StoredURL:
    """What Vonage holds. url: empty when none is set.

    application: the whole application as JSON, to restore the URL in exactly the same form; empty for an account.
    """

    url: str
    application: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Retry:
    """When a failed call is repeated.

    pauses: seconds before each repetition. seconds: no repetition starts later than that.
    Both limit how long an exit may take. A shutdown request does not shorten the pauses, because impatient users press
    Ctrl-C again, and the account would keep a URL that leads nowhere.
    """

    pauses: tuple[float, ...] = (0.5, 1.0, 2.0)
    seconds: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def run(self, attempt: Callable[[int], T], log: Callable[[str], None]) -> T:
        """Call `attempt` with its number, from 0, until it succeeds; return its result.

        log: gets the reason for each repetition. Raises the VonageError of the last attempt.
        """
        deadline = self.clock() + self.seconds
        for number, pause in enumerate(self.pauses):
            try:
                return attempt(number)
            except VonageError as error:
                if not error.transient or self.clock() + pause > deadline:
                    raise
                log(f"{error.message.rstrip('.')}. Trying again.")
            self.sleep(pause)
        return attempt(len(self.pauses))


class CallbackSetting(Protocol):
    """A callback URL at Vonage. retry: for callers that must survive a transient error."""

    @property
    def name(self) -> SettingName: ...

    @property
    def retry(self) -> Retry: ...

    @property
    def identity(self) -> tuple[str, str, str]:
        """Host, API key, and application id; the last one is empty for an account."""

    def read(self) -> StoredURL:
        """Raises VonageError."""

    def set_callback(self, url: str, former: str = "") -> None:
        """Set the URL, or unset it with an empty text, and read it back. Raises VonageError.

        former: `StoredURL.application` from before the first change; with it the URL gets its former form.
        """


def not_saved(words: Words, current: str, url: str) -> VonageError:
    """The error of a change that Vonage answered with 200 and did not save."""
    return VonageError(
        f"Vonage answered 200, but the {words.owner} holds {one_line(current) or f'no {words.url}'} "
        f"instead of {one_line(url) or 'none'}.",
        hint=f"Set it by hand in the dashboard's {words.page}, or use --no-register.",
    )
