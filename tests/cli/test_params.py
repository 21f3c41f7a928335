"""The values of options that several commands have."""

from pathlib import Path

import pytest

from devkit.cli.params import parse_assignment
from devkit.errors import UsageError
from tests.support.command import call


def test_an_assignment_may_hold_more_equals_signs() -> None:
    assert parse_assignment("client-ref=a=b") == ("client-ref", "a=b")
    assert parse_assignment("client-ref=") == ("client-ref", "")


@pytest.mark.parametrize("text", ["status", "=x", ""])
def test_an_assignment_needs_a_name_and_a_value(text: str) -> None:
    with pytest.raises(UsageError):
        parse_assignment(text)


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("doctor --wait", "--timeout"),
        ("follow --message 0A01", "--timeout"),
        ("replay delivered", "--max-wait"),
        ("replay delivered", "--rate"),
        ("replay delivered", "--timeout"),
        ("send --wait", "--timeout"),
        ("trigger delivered", "--timeout"),
        ("wait", "--timeout"),
    ],
)
def test_a_number_of_seconds_must_be_a_number(tmp_path: Path, command: str, option: str) -> None:
    result = call(tmp_path, *command.split(), option, "nan")

    assert result.code == 2
    assert f"Invalid value for '{option}': 'nan' is not a number." in result.err


@pytest.mark.parametrize("seconds", ["inf", "1e7", "0", "-1"])
def test_a_response_is_awaited_no_longer_than_the_system_can_poll(tmp_path: Path, seconds: str) -> None:
    result = call(tmp_path, "trigger", "delivered", "--timeout", seconds)

    assert result.code == 2
    assert "is not in the range 0<x<=1000000" in result.err
