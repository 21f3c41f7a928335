import json
from collections.abc import Iterator

import click
import pytest

from devkit.cli.result_lines import pause, print_plan, print_results, result_line
from devkit.replay.result import Replayed, ReplayOutcome
from devkit.replay.schedule import Planned

RECORDED_AT = "2026-11-23T13:45:47.123456Z"
OK = Replayed("a.json", "0A00", "delivered", "ok", 200, 1.5, err_code="0", recorded_at=RECORDED_AT)
FAILED = Replayed(
    "b.json",
    "0A01",
    "failed",
    "failed",
    500,
    2.0,
    hint="Look at the log.",
    err_code="2",
    recorded_at=RECORDED_AT,
)
GONE = Replayed("c.json", "", "", "unreachable", None, None, "Nobody answers.", "Start it.")


@pytest.mark.parametrize(
    ("outcomes", "code"), [([OK], 0), ([], 0), ([OK, FAILED], 1), ([FAILED, GONE], 4), ([GONE], 4)]
)
def test_the_exit_code_is_that_of_the_worst_outcome(
    outcomes: list[Replayed], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert print_results(outcomes, len(outcomes), as_json=False) == code


def test_people_get_a_line_for_each_and_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    print_results([OK, FAILED, GONE], 3, as_json=False)

    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "ok           2026-11-23 13:45:47  delivered   0A00      -> 200 1.5 ms",
        "failed       2026-11-23 13:45:47  failed      0A01      -> 500 2.0 ms  2 Absent Subscriber - Temporary",
        "unreachable  unreadable            Nobody answers.",
        "replay: 1 ok, 1 failed, 1 unreachable",
    ]
    assert printed.err.splitlines() == ["Hint: Look at the log.", "Hint: Start it."]


def test_programs_get_json_lines_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    print_results([OK, FAILED, GONE], 3, as_json=True)

    lines = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert [one["event"] for one in lines] == ["replayed", "replayed", "replayed", "summary"]
    assert [one["outcome"] for one in lines[:3]] == ["ok", "failed", "unreachable"]
    assert lines[3] == {"event": "summary", "ok": 1, "failed": 1, "unreachable": 1}


def test_quiet_is_what_is_not_ok_and_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    print_results([OK, FAILED, OK], 3, as_json=False, quiet=True)

    assert [line.partition(" ")[0] for line in capsys.readouterr().out.splitlines()] == ["failed", "replay:"]


def test_a_hint_is_given_once(capsys: pytest.CaptureFixture[str]) -> None:
    print_results([GONE, FAILED, GONE, FAILED], 4, as_json=False)

    assert capsys.readouterr().err.count("Hint:") == 2


def test_ctrl_c_ends_with_the_summary_so_far(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> Iterator[Replayed]:
        yield OK
        raise KeyboardInterrupt

    assert print_results(interrupted(), 5, as_json=False) == 1

    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1] == "replay: 1 ok, 0 failed, 0 unreachable"
    assert "4 of 5" in printed.err


def test_colors_can_be_on_and_off(capsys: pytest.CaptureFixture[str]) -> None:
    with click.Context(click.Command("replay"), color=True):
        print_results([OK], 1, as_json=False)
    assert "\x1b[32mok" in capsys.readouterr().out

    with click.Context(click.Command("replay"), color=False):
        print_results([FAILED], 1, as_json=False)
    printed = capsys.readouterr()
    assert "\x1b" not in printed.out + printed.err


@pytest.mark.parametrize("outcome", ["ok", "failed", "unreachable"])
def test_outcomes_are_aligned_in_a_column(outcome: ReplayOutcome) -> None:
    shown = click.unstyle(result_line(Replayed("a.json", "", "delivered", outcome, 200, 1)))

    assert shown.index("delivered") == len("unreachable") + 2


def test_a_receipt_that_was_sent_again_is_marked_with_any_outcome() -> None:
    again = Replayed("a.json", "", "delivered", "ok", 200, 1, sent_again=True)
    lost = Replayed("a.json", "", "delivered", "failed", None, None, "It broke off.", sent_again=True)

    assert click.unstyle(result_line(again)).endswith("-> 200 1.0 ms  sent again on a new connection")
    assert click.unstyle(result_line(lost)).endswith("sent again on a new connection  It broke off.")


def test_a_plan_shows_no_number_and_sends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    plan = Planned("a.json", "0A00", "delivered", "GET", "/dlr", 240, 2.5)

    print_plan([plan], as_json=False)
    printed = capsys.readouterr()
    assert printed.out.splitlines() == ["    2.500 s  delivered   0A00      GET /dlr  240 bytes"]
    assert "dry run: 1 receipt would be sent\n" in printed.err

    print_plan([plan], as_json=True)
    first, last = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["event"], first["due"]) == ("planned", 2.5)
    assert last == {"event": "summary", "ok": 0, "failed": 0, "unreachable": 0}


def test_a_long_pause_is_many_short_sleeps_so_that_ctrl_c_is_never_missed() -> None:
    now, sleeps = 0.0, []

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        sleeps.append(seconds)

    pause(10.0, clock=lambda: now, sleep=sleep)

    assert now == pytest.approx(10.0)
    assert 0 < max(sleeps) <= 0.3
