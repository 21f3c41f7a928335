import pytest

from devkit.errors import (
    CallbackHeldError,
    ConfigurationError,
    DevkitError,
    FixtureError,
    PushError,
    StoreError,
    TunnelError,
    UsageError,
    VonageError,
)


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [
        (DevkitError, 1),
        (UsageError, 2),
        (ConfigurationError, 3),
        (FixtureError, 3),
        (StoreError, 3),
        (VonageError, 4),
        (TunnelError, 5),
        (CallbackHeldError, 6),
    ],
)
def test_each_kind_has_its_exit_code(kind: type[DevkitError], exit_code: int) -> None:
    error = kind("what happened", hint="what to type")

    assert isinstance(error, DevkitError)
    assert (exit_code, "what happened", "what to type") == (error.exit_code, error.message, error.hint)
    assert str(error) == "what happened"


def test_a_hint_may_be_left_out() -> None:
    assert ConfigurationError("what happened").hint == ""


def test_a_push_that_failed_says_how() -> None:
    error = PushError("nobody there", hint="start it", reason="unreachable")

    assert (error.exit_code, error.reason, error.hint) == (4, "unreachable", "start it")
