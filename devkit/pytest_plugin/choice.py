"""Which receipts and fault cases a marked test runs with."""

from collections.abc import Callable, Collection, Iterable, Sequence

import pytest

from devkit.errors import FixtureError
from devkit.pytest_plugin.setting import Settings, settings_of
from devkit.testing import FaultCase, TestReceipt, Via, fault_cases


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Parametrise a marked test. What the marker says wrongly, or that it finds nothing, is an error of collection."""
    problem = _problem(metafunc)
    if problem:
        pytest.fail(f"{metafunc.definition.nodeid}: {problem}", pytrace=False)


def _problem(metafunc: pytest.Metafunc) -> str:
    try:
        settings = settings_of(metafunc.config)
        _apply(metafunc, "dlr", "receipt", lambda mark: _receipts(settings, *mark.args, **mark.kwargs))
        _apply(metafunc, "dlr_faults", "dlr_fault", lambda mark: _faults(settings, *mark.args, **mark.kwargs))
    except FixtureError as error:
        return f"{error.message} {error.hint}"
    except (TypeError, ValueError, pytest.UsageError) as error:
        return str(error)
    return ""


def _apply(
    metafunc: pytest.Metafunc,
    marker: str,
    argument: str,
    choose: Callable[[pytest.Mark], Sequence[TestReceipt | FaultCase]],
) -> None:
    marks = list(metafunc.definition.iter_markers(marker))
    if not marks:
        return
    if argument not in metafunc.fixturenames:
        raise ValueError(f"a test marked with {marker} takes an argument {argument!r}")
    values = {value.name: value for mark in marks for value in choose(mark)}
    metafunc.parametrize(argument, list(values.values()), ids=list(values))


def _receipts(
    settings: Settings, *patterns: str, status: str | Collection[str] | None = None, allow_empty: bool = False
) -> list[TestReceipt]:
    statuses = (status,) if isinstance(status, str) else status
    found: list[TestReceipt] = []
    for pattern in patterns or ("*",):
        try:
            found += settings.load_all(pattern)
        except FixtureError:
            if not allow_empty:
                raise
    chosen = [receipt for receipt in found if statuses is None or receipt.status in statuses]
    if not chosen and not allow_empty:
        raise FixtureError(
            f"No fixture in {', '.join(patterns)} has the status {status!r}.",
            hint="Name other fixtures, or say allow_empty=True.",
        )
    return chosen


def _faults(
    settings: Settings,
    *,
    via: Via | Sequence[Via] = ("GET", "POST", "JSON"),
    only: Iterable[str] = (),
    skip: Iterable[str] = (),
) -> list[FaultCase]:
    return fault_cases(via, only=only, skip=skip, secret=settings.secret, method=settings.method)
