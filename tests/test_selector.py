import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devkit.callback import compose
from devkit.catalogue import samples_directory
from devkit.errors import FixtureError
from devkit.fixture import Fixture, dumps
from devkit.selector import select, shown
from devkit.store import Store

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FIRST, SECOND = "0A00000012345678", "0A0000001234FFFF"
UUID = "38eef590-711f-4360-a23d-80c38291eb1d"


def write(path: Path, status: str = "delivered", recorded_at: datetime = NOON) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(dumps(Fixture(recorded_at, compose({"status": status}, "get"))))
    return path


def record(store: Store, message_id: str, status: str, minutes: int) -> Path:
    fixture = Fixture(
        NOON + timedelta(minutes=minutes), compose({"messageId": message_id, "status": status}, "get")
    )
    return store.record(fixture, fixture.read())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "fixtures")
    store.prepare()
    return store


@pytest.fixture
def recorded(store: Store) -> list[Path]:
    """Two messages, interleaved, over two days."""
    return [
        record(store, FIRST, "accepted", 0),
        record(store, SECOND, "accepted", 1),
        record(store, FIRST, "delivered", 2),
        record(store, SECOND, "delivered", 24 * 60),
    ]


def found(store: Store, *selectors: str, here: Path | None = None) -> list[Path]:
    return select(store, selectors, here=here or store.root.parent, packaged=store.root.parent / "packaged")


def refused(store: Store, selector: str) -> FixtureError:
    with pytest.raises(FixtureError) as caught:
        found(store, selector)
    return caught.value


def test_latest_is_the_newest_recording(store: Store, recorded: list[Path]) -> None:
    assert found(store, "latest") == recorded[-1:]


def test_latest_n_are_the_newest_in_the_order_of_time(store: Store, recorded: list[Path]) -> None:
    assert found(store, "latest:3") == recorded[1:]
    assert found(store, "latest:99") == recorded


def test_latest_of_nothing_says_how_to_record(store: Store) -> None:
    error = refused(store, "latest")

    assert "No receipts have been recorded" in error.message
    assert "devkit dev" in error.hint


def test_latest_of_none_is_refused(store: Store, recorded: list[Path]) -> None:
    assert "latest:0" in refused(store, "latest:0").message


@pytest.mark.parametrize("selector", ["mine/a.json", "mine/a", "./mine/a.json"])
def test_a_file_is_itself_with_or_without_its_ending(store: Store, selector: str) -> None:
    path = write(store.root.parent / "mine" / "a.json")

    assert found(store, selector) == [path]


def test_an_absolute_path_is_itself(store: Store, tmp_path: Path) -> None:
    path = write(tmp_path / "elsewhere" / "a.json")

    assert found(store, str(path)) == [path]


def test_a_directory_is_a_sequence_in_name_order(store: Store) -> None:
    directory = store.root.parent / "mine"
    paths = [write(directory / name) for name in ("10.json", "02.json", "01.json")]
    (directory / "README.md").write_text("no fixture")
    (directory / ".hidden.json").write_text("no fixture")

    assert found(store, "mine") == sorted(paths)


def test_a_recorded_day_is_a_sequence_by_its_name_alone(store: Store, recorded: list[Path]) -> None:
    assert found(store, "2026-11-23") == recorded[:3]
    assert found(store, "fixtures/recorded/2026-11-24") == recorded[3:]


def test_a_directory_without_fixtures_stands_for_those_below_it(store: Store, recorded: list[Path]) -> None:
    assert found(store, "recorded") == recorded


def test_a_pattern_finds_fixtures_in_name_order(store: Store, recorded: list[Path]) -> None:
    assert found(store, "fixtures/recorded/*/*-delivered-*") == recorded[2:]
    assert found(store, "recorded/2026-11-2?/*accepted*") == recorded[:2]
    assert found(store, "2026-*") == recorded
    assert found(store, "**/*-delivered-*.json") == recorded[2:]


def test_a_file_whose_name_looks_like_a_pattern_is_itself(store: Store) -> None:
    path = write(store.root.parent / "a[1].json")

    assert found(store, "a[1].json") == [path]


def test_a_sample_is_found_by_name(store: Store) -> None:
    single = write(store.samples / "delivered.json")
    late = [write(store.samples / "sequence" / "late" / name) for name in ("1.json", "2.json")]

    assert found(store, "delivered") == [single]
    assert found(store, "sequence/late") == late
    assert found(store, "sequence/late/2") == late[1:]


def test_the_project_s_own_sample_goes_before_the_packaged_one(store: Store) -> None:
    packaged = [write(store.root.parent / "packaged" / f"{name}.json") for name in ("delivered", "failed")]
    own = write(store.samples / "delivered.json")

    assert found(store, "delivered", "failed") == [own, packaged[1]]


def test_without_samples_in_the_project_those_of_devkit_are_found(store: Store) -> None:
    assert select(store, ["delivered"], here=store.root.parent) == [samples_directory() / "delivered.json"]


def test_a_message_is_all_its_receipts_in_the_order_of_time(store: Store, recorded: list[Path]) -> None:
    assert found(store, SECOND) == [recorded[1], recorded[3]]
    assert found(store, "0a0000001234f") == [recorded[1], recorded[3]]


def test_a_beginning_of_two_messages_names_both(store: Store, recorded: list[Path]) -> None:
    error = refused(store, "0A000000")

    assert "'0A000000'" in error.message
    assert FIRST in error.hint
    assert SECOND in error.hint


def test_an_id_that_begins_another_one_is_itself(store: Store) -> None:
    short = record(store, "0A00", "delivered", 0)
    record(store, "0A00FF", "delivered", 1)

    assert found(store, "0A00") == [short]


def test_a_recording_is_found_by_its_file_name_alone(store: Store, recorded: list[Path]) -> None:
    assert found(store, recorded[0].name) == recorded[:1]
    assert found(store, recorded[0].stem) == recorded[:1]


def test_recordings_are_found_without_being_opened(store: Store, recorded: list[Path]) -> None:
    for path in recorded:
        path.write_bytes(b"not a fixture")

    assert found(store, "latest:4") == recorded
    assert found(store, FIRST) == [recorded[0], recorded[2]]


def test_selectors_keep_their_order(store: Store, recorded: list[Path]) -> None:
    sample = write(store.samples / "delivered.json")

    assert found(store, "latest", "delivered", "latest") == [recorded[3], sample, recorded[3]]


def test_a_misspelt_name_gets_its_neighbours(store: Store) -> None:
    for name in ("delivered", "failed", "sequence/out-of-order/01-delivered"):
        write(store.samples / f"{name}.json")

    error = refused(store, "delivred")
    assert "'delivred'" in error.message
    assert error.hint.startswith("There are: delivered")
    assert "failed" not in error.hint
    assert "sequence/out-of-order" in refused(store, "out-of-ordr").hint


def test_a_name_unlike_any_gets_the_list(store: Store) -> None:
    for number in range(12):
        write(store.samples / f"sample-{number:02}.json")

    hint = refused(store, "xyz").hint

    assert "sample-00, sample-01" in hint
    assert hint.endswith("and 4 more")


def test_a_project_without_any_fixture_says_how_to_get_some(store: Store) -> None:
    assert "devkit dev" in refused(store, "delivered").hint


@pytest.mark.parametrize("selector", ["", "x" * 5000, "[", "***x", "%", "nul\0"])
def test_odd_selectors_are_refused_as_others_are(store: Store, selector: str) -> None:
    write(store.root.parent / "here.json")  # found by no selector but its own

    assert "No fixture named" in refused(store, selector).message


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may look into everything")
def test_a_directory_that_cannot_be_read_is_named(store: Store) -> None:
    closed = store.root.parent / "closed"
    closed.mkdir(mode=0)

    assert str(closed) in refused(store, "closed").message


def test_a_path_below_the_current_directory_is_shown_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert shown(tmp_path / "fixtures" / "a.json") == os.path.join("fixtures", "a.json")
    assert shown(Path("/elsewhere/a.json")) == str(Path("/elsewhere/a.json"))
    assert (
        shown(samples_directory() / "sequence" / "expired" / "02-expired.json")
        == "sequence/expired/02-expired"
    )


@pytest.mark.parametrize(
    "selector",
    [UUID, UUID.replace("-", "_"), UUID.upper(), "38eef590", "38eef590-711f-4360-a", "38EEF590_71"],
)
def test_a_uuid_or_its_unique_beginning_is_a_selector(store: Store, selector: str) -> None:
    paths = [record(store, UUID, "accepted", 0), record(store, UUID, "delivered", 1)]
    record(store, "39eef590-711f-4360-a23d-80c38291eb1d", "delivered", 2)

    assert found(store, selector) == paths


def test_uuids_that_begin_alike_are_shown_as_vonage_writes_them(store: Store) -> None:
    other = f"{UUID[:-1]}e"
    for message_id in (UUID, other):
        record(store, message_id, "delivered", 0)

    assert refused(store, "38eef").hint == f"Type more of it: {UUID}, {other}"
    assert len(found(store, UUID)) == 1
