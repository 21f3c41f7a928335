import errno
import os
import shutil
import stat
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from devkit import durable
from devkit.callback import compose
from devkit.errors import ConfigurationError, StoreError
from devkit.fixture import Fixture, dumps, load
from devkit.store import Store, file_name
from tests.arbitrary import fixtures

MOMENT = datetime(2026, 11, 23, 13, 45, 47, 123456, UTC)
DELIVERED = Fixture(MOMENT, compose({"messageId": "0A0000001234567B", "status": "delivered"}, "form"))
UNREADABLE = Fixture(MOMENT, compose({"to": "AcmeInc"}, "get"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "fixtures")
    store.prepare()
    return store


def record(store: Store, fixture: Fixture) -> Path:
    return store.record(fixture, fixture.read())


def test_a_receipt_is_recorded_by_day_time_status_and_message(store: Store) -> None:
    path = record(store, DELIVERED)

    assert path.parent == store.recorded / "2026-11-23"
    assert path.name.startswith("134547.123456Z-delivered-0A0000001234567B-")
    assert len(path.name) == len("134547.123456Z-delivered-0A0000001234567B-0123ab.json")
    assert path.read_bytes() == dumps(DELIVERED)
    assert load(path) == DELIVERED


def test_what_cannot_be_read_is_recorded_too(store: Store) -> None:
    path = record(store, UNREADABLE)

    assert path.name.startswith("134547.123456Z-unparsed-noid-")
    assert load(path) == UNREADABLE


def test_the_day_is_the_day_in_utc(store: Store) -> None:
    early = datetime(2026, 11, 24, 1, 0, tzinfo=timezone(timedelta(hours=2)))

    path = record(store, replace(DELIVERED, recorded_at=early))

    assert path.parent.name == "2026-11-23"
    assert path.name.startswith("230000.000000Z-")


@given(fixtures)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_whatever_arrives_is_recorded_and_found(store: Store, fixture: Fixture) -> None:
    path = record(store, fixture)

    assert load(path) == fixture
    assert path in [entry.path for entry in store.entries()]


def test_entries_come_newest_first_and_other_files_are_passed_over(store: Store) -> None:
    moments = [MOMENT + timedelta(hours=hours) for hours in (3, 0, 30, 1)]
    for moment in moments:
        record(store, replace(DELIVERED, recorded_at=moment))
    (store.recorded / "2026-11-23" / "notes.json").touch()
    (store.recorded / "2026-11-22").touch()
    (store.recorded / "old").mkdir()

    assert [entry.recorded_at for entry in store.entries()] == sorted(moments, reverse=True)
    assert {(entry.status, entry.message_id) for entry in store.entries()} == {
        ("delivered", "0A0000001234567B")
    }


def test_only_the_days_that_are_asked_for_are_looked_into(store: Store) -> None:
    newest = record(store, replace(DELIVERED, recorded_at=MOMENT + timedelta(days=1)))
    oldest = record(store, DELIVERED)

    entries = store.entries()
    assert next(entries).path == newest
    shutil.rmtree(oldest.parent)

    assert list(entries) == []


def test_a_store_that_was_never_used_has_no_entries(tmp_path: Path) -> None:
    assert list(Store(tmp_path / "missing").entries()) == []


def test_many_threads_record_at_once_and_nothing_is_lost(store: Store) -> None:
    recorded: list[Path] = []
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait(10)
        for turn in range(10):
            fields = {"status": "delivered", "messageId": f"{number:02}{turn:02}"}
            recorded.append(record(store, Fixture(MOMENT, compose(fields, "json"))))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(entry.path for entry in store.entries()) == sorted(recorded)
    assert {entry.message_id for entry in store.entries()} == {
        f"{number:02}{turn:02}" for number in range(8) for turn in range(10)
    }
    assert all(file_name(MOMENT, load(path).read())[:30] == path.name[:30] for path in recorded)
    assert len(os.listdir(store.recorded / "2026-11-23")) == 80


def test_recordings_are_for_their_owner_alone(store: Store) -> None:
    path = record(store, DELIVERED)

    modes = [stat.S_IMODE(place.stat().st_mode) for place in (store.recorded, path.parent, path)]
    assert modes == [0o700, 0o700, 0o600]


def test_the_name_of_a_new_day_is_synced_before_its_first_receipt_counts(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (store.recorded / "2026-11-23").mkdir()  # another process has just made it, and has not synced it yet
    done: list[object] = []
    sync, create_all = durable.sync_directory, durable.create_all

    def log_sync(path: Path) -> None:
        done.append(Path(path))
        sync(path)

    def log_create(day: str, files: Sequence[tuple[str, bytes]]) -> list[OSError | None]:
        done.append("create")
        return create_all(day, files)

    monkeypatch.setattr(durable, "sync_directory", log_sync)
    monkeypatch.setattr(durable, "create_all", log_create)

    record(store, DELIVERED)
    record(store, DELIVERED)

    day = store.recorded / "2026-11-23"
    assert done == [store.recorded, "create", day, "create", day]


def test_a_day_that_was_cleared_away_is_made_again(store: Store) -> None:
    record(store, DELIVERED)
    shutil.rmtree(store.root)

    path = record(store, DELIVERED)

    assert load(path) == DELIVERED


@pytest.mark.parametrize("call", ["write", "fsync", "link", "mkdir"])
def test_a_receipt_that_cannot_be_written_is_a_store_error_and_leaves_no_file(
    store: Store, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(StoreError) as caught:
        record(store, DELIVERED)
    monkeypatch.undo()

    assert caught.value.message == (
        f"A receipt could not be recorded in {store.recorded / '2026-11-23'}: No space left on device."
    )
    assert "447700" not in caught.value.message
    assert [path for path in store.recorded.rglob("*") if path.is_file()] == []
    assert load(record(store, DELIVERED)) == DELIVERED  # as soon as there is room, without a restart


def test_receipts_that_came_together_are_recorded_each_in_a_file_of_its_own(store: Store) -> None:
    midnight = datetime(2026, 11, 24, tzinfo=UTC)
    fixtures = [
        Fixture(moment, compose({"status": "delivered", "messageId": f"{number:02}"}, "json"))
        for number, moment in enumerate([MOMENT, MOMENT, midnight])
    ]

    paths = store.record_all([(fixture, fixture.read()) for fixture in fixtures])

    assert [load(Path(str(path))) for path in paths] == fixtures
    assert [Path(str(path)).parent.name for path in paths] == ["2026-11-23"] * 2 + ["2026-11-24"]
    assert store.record_all([]) == []


def test_one_of_them_that_cannot_be_written_costs_the_others_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixtures = [
        Fixture(MOMENT, compose({"status": "delivered", "messageId": name}, "json")) for name in "ABC"
    ]
    write = os.write

    def full_for_one(file: int, data: bytes) -> int:
        if b'"B"' in bytes(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, data)

    monkeypatch.setattr(os, "write", full_for_one)

    results = store.record_all([(fixture, fixture.read()) for fixture in fixtures])

    assert [isinstance(result, StoreError) for result in results] == [False, True, False]
    assert sorted(entry.message_id for entry in store.entries()) == ["A", "C"]


def test_a_file_in_the_place_of_a_day_is_a_store_error(store: Store) -> None:
    (store.recorded / "2026-11-23").touch()

    with pytest.raises(StoreError, match="Not a directory"):
        record(store, DELIVERED)


def test_a_directory_that_cannot_be_used_is_found_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "fixtures").touch()

    with pytest.raises(ConfigurationError) as caught:
        Store(tmp_path / "fixtures").prepare()

    assert caught.value.message == (
        f"Receipts cannot be recorded in {tmp_path / 'fixtures' / 'recorded'}: Not a directory."
    )
    assert "DEVKIT_FIXTURES" in caught.value.hint


def test_a_full_disk_is_found_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)

    with pytest.raises(ConfigurationError, match="No space left"):
        Store(tmp_path).prepare()


def test_half_written_files_of_a_killed_session_are_cleared_away(store: Store) -> None:
    path = record(store, DELIVERED)
    never_a_pid = 2**31 - 1
    for directory in (store.recorded, path.parent):
        (directory / f".{never_a_pid}-0a1b2c3d.tmp").write_bytes(b"half")

    store.prepare()

    assert [place for place in store.recorded.rglob("*") if place.is_file()] == [path]


def test_recorded_and_samples_are_beside_each_other(tmp_path: Path) -> None:
    store = Store(tmp_path)

    assert [store.recorded, store.samples] == [tmp_path / "recorded", tmp_path / "samples"]
