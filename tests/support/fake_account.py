"""The settings of a Vonage account, and a session that registers in it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from devkit.errors import VonageError
from devkit.events import Event
from devkit.vonage.account import SETTINGS_PATH, AccountSetting
from devkit.vonage.client import Credentials
from devkit.vonage.journal import Journal, next_journal, read_journal
from devkit.vonage.registration import Registration, registered
from devkit.vonage.restoration import Restoration, restore_callback
from devkit.vonage.setting import Retry

CALLBACK = "drCallBackUrl"
FORMER = "https://production.example.com/dlr"
OURS = "https://dlr.example.test/webhooks/delivery-receipt/t0ken"
OTHERS = "https://other.example.com/dlr"
CREDENTIALS = Credentials("abcd1234", "s3cret-value")
JOURNAL = Journal("rest.nexmo.com", "abcd1234", FORMER, OURS, "2026-11-23T12:00:00+00:00", 1)


class Platform:
    """The settings of one account. refuses: a URL that fails the probe. says_yes_to: a URL that is accepted, not saved.

    breaks: the numbers of the calls that fail, counted from 1. saves: whether these take effect anyway.
    transient: whether the error says that a retry may help.
    """

    def __init__(
        self, callback: str = FORMER, *, refuses: str | None = None, says_yes_to: str | None = None
    ) -> None:
        self.callback = callback
        self.refuses, self.says_yes_to = refuses, says_yes_to
        self.breaks: set[int] = set()
        self.saves = False
        self.transient = False
        self.posts: list[dict[str, str]] = []

    def post(self, credentials: Credentials, path: str, params: dict[str, str]) -> Mapping[str, object]:
        assert (credentials, path) == (CREDENTIALS, SETTINGS_PATH)
        self.posts.append(params)
        url = params.get(CALLBACK)
        broken = len(self.posts) in self.breaks
        if url is not None and (self.saves or not broken) and url not in (self.refuses, self.says_yes_to):
            self.callback = url
        if broken:
            raise VonageError("rest.nexmo.com did not answer.", hint="Try again.", transient=self.transient)
        if url and url == self.refuses:
            raise VonageError("Vonage answered 420: no 200", hint="Try again.")
        return {"mo-callback-url": "", "dr-callback-url": self.callback}

    @property
    def changes(self) -> list[str]:
        return [params[CALLBACK] for params in self.posts if params]


class Snatched(Platform):
    """Another program sets its callback as soon as one of our calls has failed."""

    def post(self, credentials: Credentials, path: str, params: dict[str, str]) -> Mapping[str, object]:
        try:
            return super().post(credentials, path, params)
        except VonageError:
            self.callback = OTHERS
            raise


class FakeSession:
    """One registration, with its journal and events. paused: seconds before each further attempt to give back.

    asked: what would be replaced, in words; `answer` is called each time and may raise.
    """

    def __init__(self, directory: Path, platform: Platform, journal: Journal = JOURNAL) -> None:
        self.path = directory / "registration.json"
        self.paused: list[float] = []
        self.account = AccountSetting(CREDENTIALS, platform.post, Retry(sleep=self.paused.append))
        self.journal = journal
        self.events: list[Event] = []
        self.asked: list[str] = []
        self.printed: list[str] = []
        self.answer: Callable[[], None] = lambda: None

    def registered(self) -> AbstractContextManager[Registration]:
        return registered(self.account, self.journal, self.path, self.events.append, self._agree)

    def restore(self, *, clear: bool = False, force: bool = False) -> Restoration:
        """As `devkit restore`, with the journal that is there."""
        journal = read_journal(self.path)
        assert journal
        return restore_callback(
            self.account, journal, self.path, self.printed.append, clear=clear, force=force
        )

    def next_journal(self, our_url: str) -> Journal:
        """The journal of another session in this project."""
        journal = replace(self.journal, our_url=our_url, pid=2)
        return next_journal(journal, self.account.read(), read_journal(self.path))

    def _agree(self, words: str) -> None:
        self.asked.append(words)
        self.answer()
