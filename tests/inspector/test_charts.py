"""Charts, times and received text, as values."""

from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.events.session import Sent
from devkit.inspector.charts import HEIGHT, WIDTH, Overview, delay_x, histogram, network_delays, read_overview
from devkit.inspector.context import InspectorContext
from devkit.inspector.index import Index, Rows
from devkit.inspector.search import read_interval
from devkit.inspector.template_filters import ago, clock_time, duration, interval, plain, prose, visible
from tests.support.inspector_server import Recordings

NOW = datetime(2026, 11, 23, 13, 45, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.34, "340 ms"),
        (0.9999, "1.0 s"),
        (1.94, "1.9 s"),
        (59.97, "1 min"),
        (245, "4 min 05 s"),
        (3599.6, "1 h"),
        (71 * 3600 + 58 * 60, "71 h 58 min"),
        (74 * 3600, "3 d 02 h"),
        (-5, "0 ms"),
    ],
)
def test_a_duration_in_words(seconds: float, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (30, "30 s ago"),
        (150, "2 min ago"),
        (7300, "2 h ago"),
        (200_000, "2 d ago"),
        (-60, "in the future"),
    ],
)
def test_how_long_ago_in_words(seconds: float, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words


def test_the_date_is_shown_unless_it_is_today() -> None:
    assert clock_time(NOW, NOW, UTC) == "13:45:00"
    assert clock_time(NOW - timedelta(days=20), NOW, UTC) == "3 Nov 13:45:00"
    assert clock_time(NOW - timedelta(days=400), NOW, UTC) == "2025-10-19 13:45:00"
    assert clock_time(NOW, NOW, UTC, fine=True) == "13:45:00.000"


@given(st.text(st.characters()))
def test_received_text_is_always_visible(text: str) -> None:
    assert plain(text).isprintable()
    shown = str(visible(text))
    assert shown.isprintable()
    tags = ('<span class="escape">', "</span>", "<bdi>", "</bdi>")
    assert "<" not in reduce(lambda rest, tag: rest.replace(tag, ""), tags, shown)


@pytest.mark.parametrize("text", ["\u05d0\u05d1", "a \u0627", "\u0661\u0662"])
def test_text_that_is_written_from_right_to_left_is_isolated(text: str) -> None:
    assert visible(text) == f"<bdi>{text}</bdi>"


@pytest.mark.parametrize("text", ["plain", "Zo\u00eb \u2026", "\u4f60"])
def test_text_that_is_written_from_left_to_right_needs_no_mark(text: str) -> None:
    assert visible(text) == text


def test_code_in_a_sentence_is_marked() -> None:
    assert str(prose("use `to` & <b>")) == "use <code>to</code> &amp; &lt;b&gt;"


def test_no_receipts_make_no_histogram() -> None:
    assert histogram([]) is None


statuses = st.sampled_from(["delivered", "failed", "unparsed", "<b>"])
times = st.integers(0, 10**9).map(lambda seconds: NOW + timedelta(seconds=seconds))


@given(st.lists(st.tuples(times, statuses), min_size=1))
def test_bars_stay_inside_and_count_every_receipt(receipts: list[tuple[datetime, str]]) -> None:
    drawn = histogram(receipts)

    assert drawn is not None
    assert sum(count for column in drawn.columns for _, count in column.counts) == len(receipts)
    assert dict(drawn.totals) == {
        status: [each for _, each in receipts].count(status) for _, status in receipts
    }
    for column in drawn.columns:
        assert column.x >= 0
        assert [bar.status for bar in column.bars] == [status for status, _ in column.counts]
        for bar in column.bars:
            assert bar.y >= -0.01
            assert bar.y + bar.height <= HEIGHT + 0.02
    if max(at for at, _ in receipts) - min(at for at, _ in receipts) < timedelta(days=400):
        assert all(column.x + column.width <= WIDTH for column in drawn.columns)


@given(st.lists(st.tuples(times, statuses), min_size=1))
def test_the_filter_of_a_column_is_for_its_receipts(receipts: list[tuple[datetime, str]]) -> None:
    drawn = histogram(receipts)

    assert drawn is not None
    for column in drawn.columns:
        start, end = read_interval(column.within)
        assert dict(column.counts) == Counter(status for at, status in receipts if start <= at < end)


def test_an_interval_is_in_local_time() -> None:
    zone = timezone(timedelta(hours=2))

    assert interval(NOW, NOW + timedelta(minutes=5), zone) == "23 Nov 15:45 to 15:50"
    assert interval(NOW, NOW + timedelta(seconds=5), UTC) == "23 Nov 13:45:00 to 13:45:05"
    assert interval(NOW, NOW + timedelta(days=1), UTC) == "23 Nov 13:45 to 24 Nov 13:45"


def test_delays_are_grouped_by_network_the_busiest_first() -> None:
    seconds = timedelta(seconds=1)

    drawn = network_delays(
        [("23410", seconds), ("26201", seconds), ("26201", 3 * seconds), ("26201", 9 * seconds)]
    )

    assert [(each.network, len(each.dots), each.median, each.slowest) for each in drawn] == [
        ("26201", 3, 3 * seconds, 9 * seconds),
        ("23410", 1, seconds, seconds),
    ]


def test_charts_are_drawn_anew_only_after_a_recording_or_a_send(recordings: Recordings) -> None:
    store, event_log = recordings.store, recordings.event_log
    context = InspectorContext(store, event_log, recordings.options(), Index(store), Rows(store))

    def drawn() -> Overview:
        context.index.refresh()
        return context.overview()

    empty = drawn()
    assert drawn() is empty
    recordings.receipt("accepted", "A")
    recordings.receipt("delivered", "A")
    recorded = drawn()
    assert (recorded.recorded, len(recorded.networks)) == (2, 1)
    assert drawn() is recorded
    recordings.event_log.publish(Sent(("B",), "447700900000"))
    sent = drawn()
    assert sent == recorded
    assert sent is not recorded
    recordings.store.recorded.joinpath(recordings.receipt("failed", "B")).unlink()
    assert drawn().recorded == 2


def test_no_file_is_opened_for_a_final_receipt_that_came_alone(recordings: Recordings) -> None:
    recordings.receipt("delivered", "ALONE")
    recordings.receipt("accepted", "TWO")
    recordings.receipt("delivered", "TWO")
    index, rows = Index(recordings.store), Rows(recordings.store)
    index.refresh()

    overview = read_overview(index, rows, {}, UTC)

    assert [len(network.dots) for network in overview.networks] == [1]
    assert [rows.knows(key) for key in index.newest_first()] == [True, False, False]


@given(st.timedeltas(min_value=timedelta()))
def test_every_delay_has_a_place_on_the_scale(delay: timedelta) -> None:
    assert 0 <= delay_x(delay) <= WIDTH
