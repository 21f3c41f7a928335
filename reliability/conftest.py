"""Fixtures of the experiments: the number of rounds, and the figures to print."""

import os

import pytest

from tests.conftest import empty_home, former, no_settings_from_outside, stay_on_this_machine, vonage

__all__ = ["empty_home", "former", "no_settings_from_outside", "stay_on_this_machine", "vonage"]

QUICK = os.environ.get("DEVKIT_QUICK", "") not in ("", "0")

_FIGURES = pytest.StashKey[list[str]]()


class Figures:
    """Lines that are printed at the end of the run."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def note(self, line: str) -> None:
        self._lines.append(line)


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    return Figures(request.config.stash[_FIGURES])


@pytest.fixture
def often() -> "Often":
    return Often(quick=QUICK)


class Often:
    """The number of rounds: the smaller one if DEVKIT_QUICK is set."""

    def __init__(self, *, quick: bool) -> None:
        self._quick = quick

    def __call__(self, full: int, quick: int) -> int:
        return quick if self._quick else full


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FIGURES] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if lines := config.stash[_FIGURES]:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)
