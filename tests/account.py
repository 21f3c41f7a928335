"""The settings of a Vonage account, and a session that registers in it."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from devkit.errors import VonageError
from devkit.event import Event
from devkit.registration.account import CALLBACK_PARAMETER, SETTINGS_PATH, Account
from devkit.registration.held import Registration, registered
from devkit.registration.journal import Journal
from devkit.vonage_client import Credentials

FORMER = "https://production.example.com/dlr"
OURS = "https://dlr.example.test/webhooks/delivery-receipt/t0ken"
OTHERS = "https://other.example.com/dlr"
CREDENTIALS = Credentials("abcd1234", "s3cret-value")
JOURNAL = Journal("rest.nexmo.com", "abcd1234", FORMER, OURS, "2026-11-23T12:00:00+00:00", 1)


class Platform:
    """The settings of one account. refuses: URLs that do not answer the probe; says_yes_to: and changes nothing.

    breaks: what the call of that number raises, counted from 1; saves: whether it takes effect all the same.
    """

    def __init__(
        self, callback: str = FORMER, *, refuses: str | None = None, says_yes_to: str | None = None
    ) -> None:
        self.callback = callback
        self.refuses, self.says_yes_to = refuses, says_yes_to
        self.breaks: set[int] = set()
        self.saves = False
        self.posts: list[dict[str, str]] = []

    def post(self, credentials: Credentials, path: str, params: dict[str, str]) -> Mapping[str, object]:
        assert (credentials, path) == (CREDENTIALS, SETTINGS_PATH)
        self.posts.append(params)
        url = params.get(CALLBACK_PARAMETER)
        broken = len(self.posts) in self.breaks
        if url is not None and (self.saves or not broken) and url not in (self.refuses, self.says_yes_to):
            self.callback = url
        if broken:
            raise VonageError("rest.nexmo.com did not answer.", hint="Try again.")
        if url and url == self.refuses:
            raise VonageError("Vonage answered 420: no 200", hint="Try again.")
        return {"mo-callback-url": "", "dr-callback-url": self.callback}

    @property
    def changes(self) -> list[str]:
        return [params[CALLBACK_PARAMETER] for params in self.posts if params]


class Session:
    """One registration, with its journal and events."""

    def __init__(self, directory: Path, platform: Platform, journal: Journal = JOURNAL) -> None:
        self.path = directory / "registration.json"
        self.account = Account(CREDENTIALS, platform.post)
        self.journal = journal
        self.events: list[Event] = []

    def registered(self) -> AbstractContextManager[Registration]:
        return registered(self.account, self.journal, self.path, self.events.append)
