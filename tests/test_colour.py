"""Colours of statuses."""

import click
import pytest
from rich.color import Color

from devkit.colour import colour, wanted
from devkit.vocabulary import STATUSES


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_a_colour_that_click_and_rich_know(status: str) -> None:
    assert colour(status) != colour("undocumented")
    assert click.style("x", fg=colour(status)) != "x"
    assert Color.parse(colour(status))


def test_statuses_are_coloured_by_what_they_mean() -> None:
    assert colour("delivered") == "green"
    assert {colour(status) for status in ("accepted", "buffered")} == {"yellow"}
    assert {colour(status) for status in ("failed", "rejected", "expired")} == {"red"}


def test_no_color_is_honoured() -> None:
    assert wanted({"NO_COLOR": "1"}) is False
    assert wanted({"NO_COLOR": ""}) is None
    assert wanted({}) is None
