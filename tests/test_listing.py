"""`devkit list`: recorded receipts, from their names."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from devkit.callback import Callback, compose
from devkit.cli import devkit
from devkit.fixture import Fixture
from devkit.listing import Filter, as_json, listing
from devkit.receipt import read
from devkit.store import Store

START = datetime(2026, 6, 1, 23, 59, 58, tzinfo=UTC)
ROOT = Path(__file__).parents[1]

Run = Callable[..., Result]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Six receipts around midnight, two seconds apart, and one callback that is none."""
    monkeypatch.chdir(tmp_path)
    store = Store(tmp_path / "fixtures")
    for number, status in enumerate(["accepted", "buffered", "delivered"] * 2):
        fields = {
            "msisdn": "447700900000",
            "messageId": f"0A0{number // 3}",
            "status": status,
            "err-code": "0",
        }
        record(store, compose(fields, "get"), START + timedelta(seconds=2 * number))
    record(store, Callback("POST", "/"), START + timedelta(seconds=20))
    return store


@pytest.fixture
def run(store: Store) -> Run:
    def run(*arguments: str, color: bool = False) -> Result:
        return CliRunner().invoke(devkit, ["list", *arguments], catch_exceptions=False, color=color)

    return run


def record(store: Store, callback: Callback, moment: datetime) -> None:
    store.record(Fixture(moment, callback, signature="absent"), read(callback))


def statuses(store: Store, wanted: Filter) -> list[str]:
    return [entry.status for entry in listing(store, wanted)]


def test_newest_is_last_across_days(store: Store) -> None:
    times = [entry.recorded_at for entry in listing(store, Filter())]

    assert len(times) == 7
    assert times == sorted(times)


def test_limit_keeps_the_newest(store: Store) -> None:
    assert statuses(store, Filter(limit=2)) == ["delivered", "unparsed"]


def test_limit_0_is_no_limit(store: Store) -> None:
    assert len(statuses(store, Filter(limit=0))) == 7


def test_one_status(store: Store) -> None:
    assert statuses(store, Filter(status=("delivered",))) == ["delivered"] * 2


def test_several_statuses(store: Store) -> None:
    assert statuses(store, Filter(status=("buffered", "unparsed"))) == ["buffered", "buffered", "unparsed"]


def test_a_status_is_a_whole_word(store: Store) -> None:
    assert statuses(store, Filter(status=("deliver",))) == []


def test_message_by_id_or_beginning_in_any_case(store: Store) -> None:
    assert {entry.message_id for entry in listing(store, Filter(message="0a01"))} == {"0A01"}
    assert len(listing(store, Filter(message="0A0"))) == 6


def test_message_id_is_not_looked_for_in_the_middle(store: Store) -> None:
    assert listing(store, Filter(message="A0")) == []


def test_since_a_moment(store: Store) -> None:
    since = START + timedelta(seconds=4)

    assert statuses(store, Filter(since=since)) == [
        "delivered",
        "accepted",
        "buffered",
        "delivered",
        "unparsed",
    ]


def test_limit_counts_what_is_wanted(store: Store) -> None:
    assert statuses(store, Filter(status=("accepted",), limit=2)) == ["accepted"] * 2


def test_other_files_are_passed_over(store: Store) -> None:
    (store.recorded / "2026-06-01" / "mine.json").write_text("{}")
    (store.recorded / "2026-06-03").write_text("no directory")

    assert len(listing(store, Filter())) == 7


def test_days_that_cannot_hold_the_newest_are_not_looked_into(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a hundred thousand recordings, a glance at the last few must not read a hundred thousand names."""
    looked: list[str] = []
    real = os.listdir

    def look(path: Path) -> list[str]:
        looked.append(path.name)
        return real(path)

    monkeypatch.setattr(os, "listdir", look)

    listing(store, Filter(limit=3))

    assert looked == ["recorded", "2026-06-02"]


def test_nothing_is_opened(store: Store) -> None:
    for entry in store.entries():
        entry.path.write_text("not even JSON")

    assert len(listing(store, Filter())) == 7


def test_line_has_time_status_message_and_path(store: Store, run: Run) -> None:
    result = run("--status", "delivered", "--limit", "1")

    path = listing(store, Filter(status=("delivered",), limit=1))[0].path.relative_to(Path.cwd())
    assert result.stdout == f"2026-06-02 00:00:08  delivered  0A01  {path}\n"


def test_columns_line_up(run: Run) -> None:
    lines = run().stdout.splitlines()

    assert len({line.index("fixtures") for line in lines}) == 1


def test_colour_on_a_terminal_only(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[32m" in run(color=True).stdout
    assert "\x1b" not in run().stdout

    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run(color=True).stdout


def test_older_ones_are_mentioned_apart(run: Run) -> None:
    cut, whole = run("--limit", "6"), run("--limit", "7")

    assert len(cut.stdout.splitlines()) == 6
    assert "--limit 60" in cut.stderr
    assert whole.stderr == ""


def test_since_counts_from_now(store: Store, run: Run) -> None:
    record(store, Callback("POST", "/"), datetime.now(UTC))

    assert len(run("--since", "1h").stdout.splitlines()) == 1
    assert run("--since", "soon").exit_code == 2


def test_json_lines(run: Run, store: Store) -> None:
    lines = [json.loads(line) for line in run("--json").stdout.splitlines()]

    newest = listing(store, Filter(limit=1))[0]
    assert [line["status"] for line in lines[:3]] == ["accepted", "buffered", "delivered"]
    assert [line["meaning"] for line in lines[:3]] == ["no error", "no error", "Delivered"]
    assert lines[2] == {
        "file": lines[2]["file"],
        "recorded_at": "2026-06-02T00:00:02.000000Z",
        "status": "delivered",
        "message_id": "0A00",
        "err_code": "0",
        "meaning": "Delivered",
        "msisdn": "*********000",
        "network": "",
        "client_ref": "",
        "signature": "absent",
        "transport": "get",
    }
    assert lines[-1] == as_json(newest)
    assert "neither a body nor a query" in lines[-1]["problem"]


def test_json_of_a_broken_file_says_so(store: Store) -> None:
    newest = listing(store, Filter(limit=1))[0]
    newest.path.write_text("{")

    assert "not JSON" in str(as_json(newest)["problem"])


def test_json_keeps_the_true_status_where_the_name_cannot(store: Store) -> None:
    record(store, compose({"status": "so so/é"}, "get"), START + timedelta(days=1))

    entry = listing(store, Filter(limit=1))[0]

    assert (entry.status, as_json(entry)["status"]) == ("so_so__", "so so/é")
    assert statuses(store, Filter(status=("so so/é",))) == ["so_so__"]


def test_empty_state_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(devkit, ["list"])

    assert (result.exit_code, result.stdout) == (0, "")
    assert "devkit dev" in result.stderr


def test_nothing_like_it_says_so(run: Run) -> None:
    result = run("--status", "rejected")

    assert (result.exit_code, result.stdout) == (0, "")
    assert "No recorded receipt is like that" in result.stderr


def test_list_imports_nothing_heavy(store: Store) -> None:
    code = (
        "import sys; from devkit.cli import devkit; devkit(['list'], standalone_mode=False);"
        "heavy = {'rich', 'flask', 'vonage', 'pyngrok', 'requests', 'pydantic', 'http.client', 'asyncio'};"
        "sys.exit(', '.join(heavy & sys.modules.keys()) or 0)"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}

    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environ, check=False
    )

    assert (result.returncode, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) == 7


def test_a_reader_that_leaves_early_is_no_crash(store: Store) -> None:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "devkit", "list"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as listed:
        assert listed.stdout is not None
        assert listed.stderr is not None
        listed.stdout.close()

        assert b"Traceback" not in listed.stderr.read()


@pytest.mark.parametrize(
    "typed", ["38eef590-711f-4360-a23d-80c38291eb1d", "38eef590", "38EEF590-711f", "38eef590_711f"]
)
def test_a_uuid_is_listed_as_vonage_writes_it_and_found_by_its_beginning(
    run: Run, store: Store, typed: str
) -> None:
    fields = {"messageId": "38eef590-711f-4360-a23d-80c38291eb1d", "status": "delivered", "err-code": "0"}
    record(store, compose(fields, "get"), START)

    (line,) = run("--message", typed).stdout.splitlines()
    assert line.split()[2:4] == ["delivered", "38eef590-711f-4360-a23d-80c38291eb1d"]
    assert (
        json.loads(run("--message", typed, "--json").stdout)["message_id"]
        == "38eef590-711f-4360-a23d-80c38291eb1d"
    )
