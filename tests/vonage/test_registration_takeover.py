"""Two and more sessions of one account: they end in any order, and the callback from before is never lost."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from itertools import permutations, product
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.errors import DevkitError
from devkit.events import Notice
from devkit.vonage.client import Credentials
from devkit.vonage.journal import Journal, devkit_host, read_journal, write_journal
from devkit.vonage.registration import Registration
from tests.support.fake_account import FORMER, OTHERS, FakeSession, Platform

PRODUCTION = FORMER
FORCE = "devkit restore --force"


class Probing(Platform):
    """Asks a devkit's URL before it saves it, as Vonage does; not so where it `believes`. alive: those that answer."""

    def __init__(self, *, believes: bool = False) -> None:
        super().__init__(PRODUCTION)
        self.believes = believes
        self.alive: set[str] = set()

    def post(self, credentials: Credentials, path: str, params: dict[str, str]) -> Mapping[str, object]:
        url = next(iter(params.values()), "")
        is_dead = bool(devkit_host(url)) and url not in self.alive
        self.refuses = url if is_dead and not self.believes else None
        return super().post(credentials, path, params)


class Line(Platform):
    """What a session knows of the platform. Leads to another one when the session is to be killed."""

    def __init__(self, platform: Platform) -> None:
        super().__init__()
        self.platform = platform

    def post(self, credentials: Credentials, path: str, params: dict[str, str]) -> Mapping[str, object]:
        return self.platform.post(credentials, path, params)


class Directory:
    """A project directory, the session that runs in it, and all that was said there.

    url: each session has another one, as with ngrok's free plan, or the same one.
    """

    def __init__(self, path: Path, platform: Probing, *, name: str, same_url: bool = False) -> None:
        path.mkdir(exist_ok=True)
        self.path, self.platform, self.name, self.same_url = path, platform, name, same_url
        self.said: list[str] = []
        self.count = 0
        self.running: AbstractContextManager[Registration] | None = None

    def start(self) -> None:
        """With --force."""
        if self.running:
            return
        self.count += 1
        number = 1 if self.same_url else self.count
        url = f"https://{self.name}{number}.example.test/webhooks/delivery-receipt/0123456789abcdef"
        self.platform.alive.add(url)
        self.line = Line(self.platform)
        self.session = FakeSession(
            self.path, self.line, Journal("rest.nexmo.com", "abcd1234", "", url, "", self.count)
        )
        self.running = self.session.registered()
        self.running.__enter__()

    def stop(self) -> None:
        if not self.running:
            return
        try:
            self.running.__exit__(None, None, None)
        except DevkitError as error:
            self.said += [error.message, error.hint]
        self._end()

    def kill(self) -> None:
        if not self.running:
            return
        left = self.journal
        self.line.platform = Platform(OTHERS)  # what it still does is done elsewhere
        self.running.__exit__(None, None, None)
        if left:
            write_journal(self.session.path, left)
        self.session.events.clear()
        self._end()

    def restore(self, *, clear: bool = False, force: bool = False) -> None:
        if self.running or not self.journal:
            return
        session = FakeSession(self.path, self.platform)
        try:
            done = session.restore(clear=clear, force=force)
        except DevkitError as error:
            self.said += [error.message, error.hint]
        else:
            self.said += [*session.printed, done.advice]

    @property
    def journal(self) -> Journal | None:
        return read_journal(self.path / "registration.json")

    def _end(self) -> None:
        self.running = None
        self.platform.alive.discard(self.session.journal.our_url)
        self.said += [event.text for event in self.session.events if isinstance(event, Notice)]


def know_it(directories: list[Directory]) -> list[Directory]:
    """The directories in which the callback from before is written down."""
    return [each for each in directories if each.journal and each.journal.oldest_url == PRODUCTION]


ENDS = [
    ((first, how_first), (second, how_second))
    for first, second in permutations("AB")
    for how_first, how_second in product(("stop", "kill"), repeat=2)
]


@pytest.mark.parametrize("believes", [False, True])
@pytest.mark.parametrize("same_url", [False, True])
@pytest.mark.parametrize("order", ["AB", "BA"])
@pytest.mark.parametrize("ends", ENDS, ids=lambda ends: ", ".join(" ".join(end) for end in ends))
def test_after_a_take_over_from_another_directory_the_callback_is_restored_or_printed_with_what_to_type(
    tmp_path: Path, ends: tuple[tuple[str, str], ...], order: str, same_url: bool, believes: bool
) -> None:
    platform = Probing(believes=believes)
    both = {name: Directory(tmp_path / name, platform, name=name, same_url=same_url) for name in "AB"}
    both["A"].start()
    both["B"].start()
    for name, how in ends:
        getattr(both[name], how)()
    for name in order:
        both[name].restore()

    if platform.callback != PRODUCTION:
        (knowing,) = know_it(list(both.values()))
        assert any(PRODUCTION in words and FORCE in words for words in knowing.said), knowing.said
        knowing.restore(force=True)
    assert platform.callback == PRODUCTION
    both["A"].restore()
    both["B"].restore()
    assert platform.callback == PRODUCTION
    assert [each.journal for each in both.values()] == [None, None]


@pytest.mark.parametrize("believes", [False, True])
@pytest.mark.parametrize("ends", ENDS, ids=lambda ends: ", ".join(" ".join(end) for end in ends))
def test_after_a_take_over_in_the_same_directory_the_callback_is_back(
    tmp_path: Path, ends: tuple[tuple[str, str], ...], believes: bool
) -> None:
    platform = Probing(believes=believes)
    both = {name: Directory(tmp_path, platform, name=name) for name in "AB"}
    both["A"].start()
    both["B"].start()
    for name, how in ends:
        getattr(both[name], how)()
    both["A"].restore()

    assert platform.callback == PRODUCTION
    assert both["A"].journal is None


def test_a_callback_that_was_cleared_in_the_other_directory_is_still_known_here(tmp_path: Path) -> None:
    platform = Probing()
    a, b = (Directory(tmp_path / name, platform, name=name) for name in "AB")
    a.start()
    b.start()
    a.stop()
    b.stop()
    b.restore(clear=True)
    assert platform.callback == ""
    a.restore()

    assert platform.callback == ""
    assert PRODUCTION in a.said[-1]
    assert FORCE in a.said[-1]
    a.restore(force=True)
    assert platform.callback == PRODUCTION


@pytest.mark.parametrize("believes", [False, True])
def test_an_account_without_a_callback_has_none_again_after_a_take_over(
    tmp_path: Path, believes: bool
) -> None:
    """The second session ends last, and believes that the URL of the first one is still needed."""
    platform = Probing(believes=believes)
    platform.callback = ""
    a, b = (Directory(tmp_path / name, platform, name=name) for name in "AB")
    a.start()
    b.start()
    a.stop()
    b.stop()
    assert platform.callback != ""
    assert FORCE in a.said[-1]
    a.restore(force=True)

    assert platform.callback == ""
    assert a.journal is None


def test_the_next_session_does_not_forget_what_the_last_one_could_not_restore(tmp_path: Path) -> None:
    platform = Probing()
    a, b = (Directory(tmp_path / name, platform, name=name) for name in "AB")
    a.start()
    b.start()
    a.stop()
    its_url = platform.callback

    a.start()
    assert platform.callback == a.session.journal.our_url
    a.stop()

    assert platform.callback == its_url
    assert PRODUCTION in a.said[-1]
    assert a.journal
    assert a.journal.former_url == PRODUCTION
    b.stop()


ACTIONS = st.tuples(st.sampled_from("ABC"), st.sampled_from(["start", "start", "stop", "kill", "restore"]))


@given(st.lists(ACTIONS, max_size=24), st.booleans(), st.booleans(), st.booleans())
def test_whatever_the_order_the_callback_is_in_the_account_or_in_a_journal(
    actions: list[tuple[str, str]], same_url: bool, believes: bool, shared: bool
) -> None:
    """shared: whether two of the three run in the same directory."""
    with TemporaryDirectory() as directory:
        platform = Probing(believes=believes)
        paths = {name: Path(directory) / ("A" if shared and name == "B" else name) for name in "ABC"}
        each = {name: Directory(paths[name], platform, name=name, same_url=same_url) for name in "ABC"}
        everyone = list(each.values())
        try:
            for name, action in actions:
                getattr(each[name], action)()
                assert platform.callback == PRODUCTION or know_it(everyone)
        finally:
            for one in everyone:
                one.stop()
        if platform.callback != PRODUCTION:
            know_it(everyone)[0].restore(force=True)
        assert platform.callback == PRODUCTION
