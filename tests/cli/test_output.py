"""Colors of statuses, and progress bars."""

import sys
from datetime import timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from devkit.cli import cli
from devkit.cli.output import status_color, with_bar
from devkit.fixture.format import Fixture
from devkit.fixture.store import Store
from devkit.webhook.callback import compose
from devkit.webhook.new_webhook import make_receipt_fields
from devkit.webhook.vocabulary import STATUSES
from tests.support.fixture_example import MOMENT
from tests.support.terminal_session import needs_terminal, on_a_terminal


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_a_color_that_click_knows(status: str) -> None:
    assert status_color(status) != status_color("undocumented")
    assert click.style("x", fg=status_color(status)) != "x"


def test_statuses_are_colored_by_what_they_mean() -> None:
    assert status_color("delivered") == "green"
    assert {status_color(status) for status in ("accepted", "buffered")} == {"yellow"}
    assert {status_color(status) for status in ("failed", "rejected", "expired")} == {"red"}


@pytest.mark.parametrize(
    ("no_color", "term", "color"),
    [
        ("1", "xterm", False),
        ("", "xterm", None),
        (None, None, None),
        (None, "dumb", False),
    ],
)
def test_there_is_no_color_where_nobody_wants_it(
    no_color: str | None, term: str | None, color: bool | None
) -> None:
    environ = {"NO_COLOR": no_color, "TERM": term}
    with CliRunner(env=environ).isolation(), click.Context(cli) as context:
        assert cli.callback is not None
        context.invoke(cli.callback)

        assert context.color is color


COUNT = 60


@pytest.fixture
def project(tmp_path: Path) -> Path:
    store = Store(tmp_path / "fixtures")
    store.prepare()
    for number in range(COUNT):
        fields = make_receipt_fields("delivered", "0", message_id=f"0A{number:014d}", pushed_at=MOMENT)
        fixture = Fixture(MOMENT + timedelta(seconds=number), compose(fields, "get"))
        store.record(fixture, fixture.read())
    return tmp_path


@needs_terminal
@pytest.mark.parametrize(
    ("arguments", "last"),
    [
        (("check",), f"check: {COUNT} ok, 0 failed"),
        (("keep", "latest:60", "--name", "mine"), f"keep: {COUNT} samples written to fixtures/samples/mine;"),
        (("prune", "--keep", "0", "--yes"), f"prune: deleted {COUNT} recordings, "),
    ],
    ids=["check", "keep", "prune"],
)
def test_a_bar_counts_to_the_end_and_one_line_sums_up(
    project: Path, arguments: tuple[str, ...], last: str
) -> None:
    command = [sys.executable, "-m", "devkit", *arguments]
    with on_a_terminal(project, *command, TERM="xterm") as terminal:
        lines = terminal.read_to_the_end().replace("\r", "\n").splitlines()

    assert terminal.process.returncode == 0
    assert any(f"{COUNT}/{COUNT}" in line for line in lines)
    assert last in list(filter(None, lines))[-1]


def test_there_is_no_bar_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(with_bar(range(COUNT), COUNT, "check")) == list(range(COUNT))

    assert capsys.readouterr().out == ""
