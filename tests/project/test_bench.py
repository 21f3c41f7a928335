"""The benchmark harness measures what it says. No test of speed."""

import subprocess
from pathlib import Path

import pytest

from bench import disk, load, record, relay, simulate, subject, table
from bench.disk import wait_for_fast_files, working_directory
from bench.load import Load, drive, read_result
from bench.recordings import make_recordings, message_id
from bench.rounds import Series, in_turn, series
from bench.session import session
from bench.subject import DEVKIT, PYTHON, SINK, TUTORIAL, Subject, environment, running, seconds_of
from bench.table import Table, markdown
from devkit.fixture.format import load as load_fixture
from devkit.fixture.store import Store
from devkit.session.settings import project_directory
from tests.support.redis_server import require_redis_server


def test_measures_are_taken_in_turn() -> None:
    order: list[str] = []

    def measure(name: str) -> int:
        order.append(name)
        return len(order)

    results = in_turn({"a": lambda: measure("a"), "b": lambda: measure("b")}, 3)

    assert order == ["a", "b"] * 3
    assert results == {"a": [1, 3, 5], "b": [2, 4, 6]}


def test_a_ratio_compares_within_a_round() -> None:
    base, twice = series([100, 10, 50]), series([200, 20, 100])

    assert twice.ratio(base) == 2
    assert base.median == 50
    assert base.spread == pytest.approx(0.9)


RATES = Table(
    "Speed",
    "receipts/s",
    "base",
    {
        "fast": {"1": Series((20.0, 40.0)), "16": Series((30.0, 30.0))},
        "base": {"1": Series((10.0, 20.0)), "16": Series((20.0, 20.0))},
        "odd": {"1": Series((5.0, 10.0))},
    },
)


def test_a_table_shows_ratios_with_the_base_first() -> None:
    lines = markdown(RATES).splitlines()

    assert lines[0] == "### Speed"
    assert lines[4:] == [
        "|  | 1 | 16 |",
        "| --- | --- | --- |",
        "| base | **1.00** (15 ±33%) | **1.00** (20 ±0%) |",
        "| fast | **2.00** (30 ±33%) | **1.50** (30 ±0%) |",
        "| odd | **0.50** (8 ±33%) | - |",
    ]


def test_a_table_for_programs_holds_every_round() -> None:
    rows = table.as_json(RATES)["rows"]

    assert rows["fast"]["16"] == {"values": (30.0, 30.0), "median": 30.0, "ratio": 1.5}  # type: ignore[index]


def test_a_table_without_a_base_has_figures_only() -> None:
    text = markdown(Table("Store", "ms", "", {"list": {"100": Series((1.25, 1.25))}}, digits=1))

    assert text.splitlines()[-1] == "| list | (1.2 ±0%) |"


def test_a_load_is_read_from_the_last_line() -> None:
    assert read_result("chatter\nBENCH 300 2000000 4500 1\n") == Load(300, 150.0, 4.5, 1)


@pytest.mark.parametrize(
    ("has_wrk", "transport"), [(True, "json"), *((False, transport) for transport in load.TRANSPORTS)]
)
def test_receipts_arrive_and_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transport: str, has_wrk: bool
) -> None:
    if has_wrk and not load.has_wrk():
        pytest.skip("wrk is not installed")
    monkeypatch.setattr(load, "has_wrk", lambda: has_wrk)

    with running(SINK, tmp_path) as sink:
        result = drive(sink.port, "/dlr", connections=2, seconds=0.2, transport=transport)

    assert result.errors == 0
    assert 0 < result.taken <= int((sink.directory / "output").read_text())


def test_the_tutorial_prints_what_it_gets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "has_wrk", lambda: False)

    with running(TUTORIAL, tmp_path) as tutorial:
        result = drive(tutorial.port, TUTORIAL.path, connections=1, seconds=0.2)
        output = (tutorial.directory / "output").read_text()

    assert result.errors == 0
    assert output.count("'status': 'delivered'") >= result.taken


def test_all_that_devkit_answers_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "has_wrk", lambda: False)

    with running(DEVKIT, tmp_path) as devkit:
        result = drive(devkit.port, DEVKIT.path, connections=2, seconds=0.2)
    record._check(DEVKIT, devkit, [result])

    with pytest.raises(RuntimeError, match="answered"):
        record._check(DEVKIT, devkit, [Load(10**6, 1.0, 1.0, 0)])
    with pytest.raises(RuntimeError, match="1 requests failed"):
        record._check(DEVKIT, devkit, [Load(1, 1.0, 1.0, 1)])


def test_a_program_that_does_not_start_is_an_error(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match="broken: it ended immediately with 3"),
        running(Subject("broken", (PYTHON, "-c", "raise SystemExit(3)")), tmp_path),
    ):
        pass


def test_a_command_that_fails_gives_no_figure(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        seconds_of([PYTHON, "-c", "raise SystemExit(3)"], tmp_path)


def test_no_settings_reach_a_measured_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VONAGE_API_SECRET", "s3cret-value")
    monkeypatch.setenv("DEVKIT_PORT", "3000")

    assert not {"VONAGE_API_SECRET", "DEVKIT_PORT"} & environment().keys()


def test_made_recordings_are_those_of_a_session(tmp_path: Path) -> None:
    make_recordings(tmp_path, 6)

    found = sorted(Store(tmp_path).entries(message=message_id(4)))

    assert [entry.status for entry in found] == ["accepted", "buffered", "delivered"]
    assert [load_fixture(entry.path).callback.transport for entry in found] == ["get", "form", "json"]


def test_a_session_has_an_inspector_and_a_peak_memory(tmp_path: Path) -> None:
    with session(tmp_path) as ready:
        memory = ready.peak_memory()

    assert ready.inspector_url.startswith("http://127.0.0.1:")
    assert memory == 0 or memory > 10_000_000


def test_the_working_directory_is_cleared_at_the_end(tmp_path: Path) -> None:
    with working_directory(tmp_path / "new") as directory:
        assert 0 < wait_for_fast_files(directory, timeout=0) < 1

    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize(("timeout", "waited", "words"), [(60, 2, "Waiting until"), (5, 1, "too low")])
def test_recording_waits_until_files_are_created_fast_again(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    timeout: float,
    waited: int,
    words: str,
) -> None:
    seconds = iter((1e-3, 1e-3, 1e-5))
    monkeypatch.setattr(disk, "creation_seconds", lambda directory: next(seconds))
    waits: list[float] = []

    wait_for_fast_files(tmp_path, timeout=timeout, wait=waits.append)

    assert len(waits) == waited
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("has_wrk", [True, False])
def test_all_receipts_of_a_simulator_arrive_and_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_wrk: bool
) -> None:
    if has_wrk and not load.has_wrk():
        pytest.skip("wrk is not installed")
    monkeypatch.setattr(load, "has_wrk", lambda: has_wrk)

    assert simulate._pushed(SINK, 1e9, tmp_path, 1) > 0


def test_the_files_of_each_flow_are_counted() -> None:
    """The limits are today's counts: a change that scatters a flow over more files shows here."""
    limits = {"receipt": 17, "keep": 20, "replay": 27, "page": 17}
    done = subprocess.run(
        [PYTHON, "-m", "bench.trace"],
        env=environment(),
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert lines.keys() == limits.keys()
    assert "receiver/recorder.py" in lines["receipt"]
    assert "replay/send.py" in lines["replay"]
    assert {name for name, limit in limits.items() if int(lines[name].split()[1]) > limit} == set()


def test_send_requests_that_fail_are_no_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "has_wrk", lambda: False)
    monkeypatch.setattr(simulate, "_PATH", "/sms/nowhere")

    with (
        running(simulate.SIMULATOR, tmp_path, behind=9) as simulator,
        pytest.raises(RuntimeError, match="send requests failed"),
    ):
        simulate._rate(simulator.port, connections=1, seconds=1, transport="sms")


def test_a_relay_is_measured_until_each_follower_has_the_file(tmp_path: Path) -> None:
    require_redis_server()

    with relay._engine(tmp_path) as engine:
        settings = engine.settings
        with running(relay._relay_with(settings), tmp_path) as receiver:
            found = relay._times(tmp_path, settings, receiver, followers=2, count=3)
        seconds = relay._catch_up(tmp_path, settings, 3, "--all")

    assert [len(times) for times in found] == [2, 2, 2]
    assert seconds > 0
    assert sum(1 for _ in tmp_path.rglob("recorded/*/*.json")) == 3 * (2 + 1)


def test_the_relay_is_left_out_where_there_is_no_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert list(relay.measure(tmp_path, rounds=1, seconds=1, quick=True)) == []
    assert "apt-get install redis-server" in capsys.readouterr().err


def test_a_run_is_not_in_the_project_of_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".devkit").mkdir()
    run = tmp_path / "build" / "bench" / "run"
    run.mkdir(parents=True)
    monkeypatch.setattr(subject, "ROOT", tmp_path)
    home = Path(environment()["HOME"])

    assert project_directory(run, home=tmp_path.parent) == tmp_path
    assert project_directory(run, home=home) == run
