from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.errors import FixtureError, UsageError
from devkit.fixture.format import Fixture, dumps
from devkit.fixture.store import Store
from devkit.replay.schedule import Recording, ReplayOptions, ScheduledRequest, arrange, load_recordings
from devkit.webhook.callback import Callback, compose

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


def recordings(*seconds: float) -> list[Recording]:
    return [
        Recording(
            Path(f"{place}.json"), START + timedelta(seconds=second), Callback("GET", f"/?status={place}")
        )
        for place, second in enumerate(seconds)
    ]


def names(requests: list[ScheduledRequest]) -> list[str]:
    return [request.recording.path.stem for request in requests]


def due(requests: list[ScheduledRequest]) -> list[float]:
    return [request.due for request in requests]


def write(path: Path, recorded_at: datetime) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(dumps(Fixture(recorded_at, compose({"status": path.stem}, "get"))))
    return path


def record(store: Store, seconds: float) -> Path:
    fixture = Fixture(START + timedelta(seconds=seconds), compose({"status": "delivered"}, "get"))
    return store.record(fixture, fixture.read())


def test_recordings_are_in_the_order_of_time(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    paths = [record(store, seconds) for seconds in (3, 86_400, 1)]

    assert [recording.path for recording in load_recordings(paths)] == [paths[2], paths[0], paths[1]]


def test_other_files_are_in_the_given_order_whatever_their_times(tmp_path: Path) -> None:
    late, early = write(tmp_path / "a.json", START + timedelta(1)), write(tmp_path / "b.json", START)

    assert [recording.path for recording in load_recordings([late, early])] == [late, early]


def test_recordings_among_other_files_are_in_the_given_order(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    paths = [record(store, 3), write(tmp_path / "a.json", START), record(store, 1)]

    assert [recording.path for recording in load_recordings(paths)] == paths


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(b"{")

    with pytest.raises(FixtureError, match=r"broken\.json"):
        load_recordings([write(tmp_path / "a.json", START), path])


def test_a_recording_has_its_receipt() -> None:
    assert recordings(0)[0].receipt.status == "0"
    assert Recording(Path("x"), START, Callback("GET", "/")).receipt.status == ""


def test_the_recorded_order_keeps_places_and_times() -> None:
    requests = arrange(recordings(0, 2, 5), ReplayOptions(speed=1))

    assert names(requests) == ["0", "1", "2"]
    assert due(requests) == [0, 2, 5]


def test_at_full_speed_everything_is_due_at_once() -> None:
    assert due(arrange(recordings(0, 2, 5), ReplayOptions())) == [0, 0, 0]


def test_the_reversed_order_keeps_the_gaps() -> None:
    requests = arrange(recordings(0, 2, 5), ReplayOptions(order="reversed", speed=1))

    assert names(requests) == ["2", "1", "0"]
    assert due(requests) == [0, 2, 5]


def test_duplicates_follow_at_once() -> None:
    requests = arrange(recordings(0, 2), ReplayOptions(duplicate=3, speed=1))

    assert names(requests) == ["0", "0", "0", "1", "1", "1"]
    assert due(requests) == [0, 0, 0, 2, 2, 2]


def test_repeats_send_all_receipts_again() -> None:
    requests = arrange(recordings(0, 2), ReplayOptions(repeat=3, speed=1))

    assert names(requests) == ["0", "1", "0", "1", "0", "1"]
    assert due(requests) == [0, 2, 2, 4, 4, 6]


@pytest.mark.parametrize(
    "options", [ReplayOptions(repeat=10**12), ReplayOptions(duplicate=10**12)], ids=["repeat", "duplicate"]
)
def test_a_schedule_that_does_not_fit_into_memory_is_refused(options: ReplayOptions) -> None:
    with pytest.raises(UsageError, match="2000000000000 receipts are too many for one replay"):
        arrange(recordings(0, 1), options)


def test_a_rate_holds_for_duplicates_and_repeats_too() -> None:
    requests = arrange(recordings(0, 0), ReplayOptions(duplicate=2, repeat=2, rate=2))

    assert due(requests) == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]


@given(count=st.integers(0, 30), seed=st.integers(), duplicate=st.integers(1, 3), repeat=st.integers(1, 3))
def test_a_shuffle_is_a_permutation_and_a_seed_repeats_it(
    count: int, seed: int, duplicate: int, repeat: int
) -> None:
    how = ReplayOptions(order="shuffle", seed=seed, duplicate=duplicate, repeat=repeat)

    requests = arrange(recordings(*range(count)), how)

    assert Counter(names(requests)) == Counter({str(place): duplicate * repeat for place in range(count)})
    assert requests == arrange(recordings(*range(count)), how)


def test_another_seed_gives_another_order() -> None:
    orders = {
        tuple(names(arrange(recordings(*range(20)), ReplayOptions(order="shuffle", seed=seed))))
        for seed in range(5)
    }

    assert len(orders) == 5


def test_each_repetition_has_its_own_shuffle() -> None:
    order = names(arrange(recordings(*range(20)), ReplayOptions(order="shuffle", seed=1, repeat=2)))

    assert order[:20] != order[20:]
