"""Colours of statuses."""

import click
import pytest
from rich.color import Color

from devkit.cli.color import color, color_enabled
from devkit.webhook.vocabulary import STATUSES


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_a_colour_that_click_and_rich_know(status: str) -> None:
    assert color(status) != color("undocumented")
    assert click.style("x", fg=color(status)) != "x"
    assert Color.parse(color(status))


def test_statuses_are_coloured_by_what_they_mean() -> None:
    assert color("delivered") == "green"
    assert {color(status) for status in ("accepted", "buffered")} == {"yellow"}
    assert {color(status) for status in ("failed", "rejected", "expired")} == {"red"}


def test_no_color_is_honoured() -> None:
    assert color_enabled({"NO_COLOR": "1"}) is False
    assert color_enabled({"NO_COLOR": ""}) is None
    assert color_enabled({}) is None
