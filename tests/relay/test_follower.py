import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from devkit.durable import files as durable
from devkit.errors import RelayError, StoreError
from devkit.events.relay import CaughtUp, RelayChanged
from devkit.events.session import NotRecorded
from devkit.fixture.format import load
from devkit.fixture.store import Store, samples_directory
from devkit.relay.cipher import Cipher, TeamKey
from devkit.relay.entry import entry_of
from devkit.relay.follower import Follower, Following
from devkit.relay.position import BEGINNING, PositionFile
from devkit.relay.reader import RelayReader, Selection
from devkit.session.signals import Shutdown
from tests.support.event_recorder import EventRecorder
from tests.support.memory_engine import NOON, MemoryEngine

KEY = "ada"
KINDS = ("delivered", "inbound-sms", "messages-delivered", "json-array")


class Setup:
    """A follower of an engine in memory, its files, its events, and what it passed on."""

    def __init__(self, directory: Path, engine: MemoryEngine) -> None:
        self.engine = engine
        self.store = Store(directory / "fixtures")
        self.store.prepare()
        self.positions = PositionFile(directory / "relay-position.json")
        self.published = EventRecorder()
        self.taken: list[str] = []
        self.follower = self.make()

    def make(self) -> Follower:
        """Another follower from the position on disk, as after a start."""
        position = self.positions.read(KEY) or BEGINNING
        return Follower(
            Following("redis://127.0.0.1:6379", "1a2b3c4d", "ada"),
            RelayReader(self.engine, Selection("ada"), Cipher(), position),
            self.store,
            self.published,
            lambda received, path: self.taken.append(path),
            lambda position: self.positions.move(KEY, position),
            wait=0.02,
            delays=(0.01,),
        )

    def follow_until(self, condition: Callable[[], bool]) -> None:
        """Follow until something is so."""
        self.follower.reach(self.engine.span())
        self.follower.start()
        self.published.wait_until(condition)
        self.follower.stop()
        self.follower.check()

    def caught_up(self) -> None:
        self.follow_until(lambda: bool(self.published.of(CaughtUp)))

    @property
    def states(self) -> list[str]:
        return [event.state for event in self.published.of(RelayChanged)]

    @property
    def files(self) -> list[Path]:
        return sorted(entry.path for entry in self.store.entries())


def fill_disk(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let so many attempts to write recordings fail."""
    create, failures = durable.create_all, iter(range(times))

    def sometimes(directory: str, files: list[tuple[str, bytes]]) -> list[OSError | None]:
        if files and next(failures, None) is not None:
            return [OSError(28, "No space left on device")] * len(files)
        return create(directory, files)

    monkeypatch.setattr(durable, "create_all", sometimes)


@pytest.fixture
def setup(tmp_path: Path) -> Iterator[Setup]:
    setup = Setup(tmp_path, MemoryEngine())
    yield setup
    setup.follower.stop()


def test_it_catches_up_and_says_what_came(setup: Setup) -> None:
    for number, who in enumerate(("ada", "", "grace", "grace")):
        setup.engine.put(who, number)

    setup.caught_up()

    assert setup.published.of(CaughtUp) == [CaughtUp(4, 1, 1, 2, 2, 0, 0)]
    assert [str(path) for path in setup.files] == setup.taken
    assert [load(path).tags for path in setup.files] == [("who:ada",), ()]
    assert setup.positions.read(KEY) == setup.engine.last
    live = setup.published.of(RelayChanged)[0]
    assert (live.state, live.kept, live.kept_since) == ("live", 4, "2026-11-23T12:00:00.001Z")


def test_more_than_one_read_is_one_catch_up(setup: Setup) -> None:
    for number in range(450):
        setup.engine.put("grace" if number % 50 else "ada", number)

    setup.caught_up()

    assert setup.published.of(CaughtUp) == [CaughtUp(450, 9, 0, 441, 9, 0, 0)]
    assert setup.engine.waits[:3] == [0, 0, 0]  # it waits for nothing until it has caught up


def test_a_lost_position_costs_reading_again_and_nothing_else(setup: Setup) -> None:
    setup.engine.put("ada", 1)
    setup.engine.put("ada", 2)
    setup.caught_up()
    files, setup.published.events = setup.files, []
    setup.positions.path.unlink()
    setup.follower = setup.make()

    setup.caught_up()

    assert setup.files == files
    assert len(setup.taken) == 2
    assert setup.published.of(CaughtUp) == [CaughtUp(2, 2, 0, 0, 0, 2, 0)]


def test_the_position_moves_after_the_files_are_on_disk(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup.engine.put("ada", 1)
    order: list[str] = []
    create, move = durable.create_all, setup.follower.move

    def create_files(directory: str, files: list[tuple[str, bytes]]) -> list[OSError | None]:
        order.append("files")
        return create(directory, files)

    def move_position(position: str) -> None:
        order.append("position")
        move(position)

    monkeypatch.setattr(durable, "create_all", create_files)
    setup.follower.move = move_position

    setup.caught_up()

    assert order == ["files", "position"]


def test_a_full_disk_is_told_once_and_nothing_is_lost(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_disk(monkeypatch, times=3)
    setup.engine.put("ada", 1)

    setup.caught_up()

    assert len(setup.published.of(NotRecorded)) == 1
    assert len(setup.files) == len(setup.taken) == 1
    assert setup.positions.read(KEY) == setup.engine.last


def test_a_disk_that_fills_later_is_caught_up_with_too(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    setup.follower.reach(setup.engine.span())
    setup.follower.start()
    setup.published.wait_until(lambda: len(setup.published.of(CaughtUp)) == 1)
    fill_disk(monkeypatch, times=3)
    setup.engine.put("ada", 1)
    setup.published.wait_until(lambda: len(setup.published.of(CaughtUp)) == 2)

    assert setup.states == ["live", "live"]  # between the second one and its end the page says: catching up
    assert len(setup.published.of(NotRecorded)) == 1

    assert setup.published.of(CaughtUp)[1] == CaughtUp(1, 1, 0, 0, 1, 0, 0)
    assert len(setup.files) == len(setup.taken) == 1


def test_a_position_that_cannot_be_written_is_tried_again(setup: Setup) -> None:
    move, failures = setup.follower.move, iter(range(2))

    def sometimes(position: str) -> None:
        if next(failures, None) is not None:
            raise StoreError("The position could not be written.")
        move(position)

    setup.follower.move = sometimes
    setup.engine.put("ada", 1)

    setup.caught_up()

    assert len(setup.published.of(NotRecorded)) == 1
    assert len(setup.files) == len(setup.taken) == 1
    assert setup.positions.read(KEY) == setup.engine.last


def test_a_lost_relay_is_told_once_and_caught_up_with(setup: Setup) -> None:
    setup.follower.reach(setup.engine.span())
    setup.follower.start()
    setup.published.wait_until(lambda: len(setup.published.of(CaughtUp)) == 1)

    setup.engine.set_down()
    setup.published.wait_until(lambda: "reconnecting" in setup.states)
    was_lost = setup.follower.is_lost
    setup.engine.put("ada", 1)
    setup.engine.set_down(False)
    setup.published.wait_until(lambda: len(setup.published.of(CaughtUp)) == 2)

    assert setup.states == ["live", "reconnecting", "live"]
    assert (was_lost, setup.follower.is_lost) == (True, False)
    assert len(setup.taken) == 1
    lost = setup.published.of(RelayChanged)[1]
    assert lost.since.endswith("Z")
    assert "Connection refused" in lost.detail


def test_what_comes_later_is_taken_at_once(setup: Setup) -> None:
    setup.follower.reach(setup.engine.span())
    setup.follower.wait = 60  # a read that waits is woken by what comes, and abandoned at the end
    setup.follower.start()
    setup.published.wait_until(lambda: len(setup.published.of(CaughtUp)) == 1)
    taken = threading.Event()
    setup.follower.take = lambda received, path: taken.set()

    setup.engine.put("ada", 1)

    assert taken.wait(60)
    setup.follower.stop()
    setup.engine.set_down()  # as closing the connection does
    assert len(setup.files) == 1


def test_an_unreadable_entry_ends_it_and_the_position_stays_before_it(setup: Setup) -> None:
    before = setup.engine.put("ada", 1)
    setup.engine.put("ada", 2, cipher=Cipher((TeamKey(b"k" * 32),)))

    with pytest.raises(RelayError, match="encrypted with the key") as raised:
        setup.follower.run(Shutdown())

    assert "DEVKIT_RELAY_KEY" in raised.value.hint
    assert setup.positions.read(KEY) == before
    assert len(setup.files) == 1


def test_skip_goes_past_it_and_says_so(setup: Setup) -> None:
    setup.engine.put("ada", 1, cipher=Cipher((TeamKey(b"k" * 32),)))
    setup.engine.put("ada", 2, cipher=Cipher((TeamKey(b"k" * 32),)))
    setup.engine.put("ada", 3)
    setup.follower.reader.skip = True

    setup.caught_up()

    (notice,) = setup.published.notices
    assert notice.startswith("Skipped: The relay's entry")
    assert notice.endswith("And 1 more.")
    assert setup.published.of(CaughtUp) == [CaughtUp(3, 1, 0, 0, 1, 0, 2)]
    assert setup.follower.left_out == 0


def test_an_emptied_relay_is_told_and_read_from_its_beginning(setup: Setup) -> None:
    setup.engine.put("ada", 1)
    setup.caught_up()
    setup.engine.empty()
    setup.engine.put("ada", 2, entry_id="5-0")
    setup.published.events = []
    setup.follower = setup.make()

    setup.caught_up()

    assert setup.states == ["live", "emptied"]
    assert setup.published.of(CaughtUp) == [CaughtUp(1, 1, 0, 0, 1, 0, 0)]
    assert setup.positions.read(KEY) == "5-0"
    assert len(setup.files) == 2


def test_what_is_no_longer_kept_is_told(setup: Setup) -> None:
    setup.engine.put("ada", 1)
    setup.caught_up()
    for number in range(2, 6):
        setup.engine.put("ada", number)
    setup.engine.trim(1)
    setup.published.events = []
    setup.follower = setup.make()

    setup.caught_up()

    trimmed = next(each for each in setup.published.of(RelayChanged) if each.state == "trimmed")
    assert (trimmed.since, trimmed.until) == ("2026-11-23T12:00:00.001Z", "2026-11-23T12:00:00.005Z")
    assert setup.published.of(CaughtUp) == [CaughtUp(1, 1, 0, 0, 1, 0, 0)]


def test_what_is_no_longer_kept_is_told_once_while_the_disk_is_full(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup.positions.move(KEY, setup.engine.put("ada", 1))
    setup.engine.put("ada", 2)
    setup.engine.put("ada", 3)
    setup.engine.trim(1)
    setup.follower = setup.make()
    fill_disk(monkeypatch, times=3)

    setup.caught_up()

    assert setup.states == ["live", "trimmed"]
    assert len(setup.published.of(NotRecorded)) == 1
    assert len(setup.files) == 1


def test_a_mistake_in_devkit_ends_the_main_thread_too(setup: Setup) -> None:
    setup.engine.put("ada", 1)

    def broken(received: object, path: str) -> None:
        raise ZeroDivisionError

    setup.follower.take = broken

    with pytest.raises(ZeroDivisionError):
        setup.follower.run(Shutdown())


def test_webhooks_of_every_kind_are_followed_as_they_were_recorded(setup: Setup) -> None:
    samples = [load(samples_directory() / f"{name}.json") for name in KINDS]
    for number, sample in enumerate(samples):
        recorded = replace(sample, recorded_at=NOON + timedelta(seconds=number))
        entry = entry_of(recorded, recorded.read(), who="ada", receiver="r1", cipher=Cipher())
        setup.engine.append([entry.as_fields()])

    setup.caught_up()

    assert [load(path).callback for path in setup.files] == [sample.callback for sample in samples]
    assert [load(path).read().kind for path in setup.files] == [sample.read().kind for sample in samples]
