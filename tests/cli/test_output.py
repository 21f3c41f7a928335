"""Colors of statuses."""

import click
import pytest
from click.testing import CliRunner

from devkit.cli import cli
from devkit.cli.output import status_color
from devkit.webhook.vocabulary import STATUSES


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
        context.invoke(cli.callback)

        assert context.color is color
