"""What recent recordings tell of the account: which API its receipts are of, and by which HTTP method they come."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice

from devkit.doctor.case import Case
from devkit.doctor.check import Check, failed, ok, skipped
from devkit.errors import FixtureError
from devkit.fixture import Fixture, load
from devkit.receipt import Receipt

_RECENT = 50  # recordings; the newest say how the account is set now

_METHODS = {"get": "GET", "form": "POST", "json": "POST-JSON"}  # as the dashboard calls them
_DASHBOARD = "Vonage dashboard, API settings"


def recording_checks(case: Case) -> Iterator[Check]:
    """SMS API or Messages API, and the HTTP method, as far as they can be told. No API of Vonage tells either."""
    fixtures = list(_recent(case))
    yield _api(fixtures)
    yield _method(fixtures)


def _recent(case: Case) -> Iterator[Fixture]:
    for entry in islice(case.store.entries(), _RECENT):
        try:
            yield load(entry.path)
        except FixtureError:  # devkit check tells of it
            continue


def _api(fixtures: list[Fixture]) -> Check:
    # A recording that can't be read says what it probably is.
    readings = [fixture.read() for fixture in fixtures]
    telling = (
        "sms" if isinstance(reading, Receipt) else "messages"
        for reading in readings
        if isinstance(reading, Receipt) or "Messages API" in reading.problem
    )
    newest = next(telling, None)
    if newest == "messages":
        return failed(
            "api",
            "the newest recording is a status of the Messages API, not a receipt of the SMS API",
            f"{_DASHBOARD}: set the default SMS setting to SMS API",
        )
    if newest == "sms":
        return ok("api", "the newest recording is a receipt of the SMS API")
    return skipped(
        "api",
        "no API tells whether the account is set to SMS API or Messages API; a recording would show it",
        f"It is in the {_DASHBOARD}, under Default SMS setting. Or send a message: devkit send --wait",
    )


def _method(fixtures: list[Fixture]) -> Check:
    used = Counter(_METHODS[f.callback.transport] for f in fixtures if isinstance(f.read(), Receipt))
    if not used:
        return skipped(
            "method",
            "no API tells by which HTTP method receipts come; devkit takes all three: GET, POST, POST-JSON",
        )
    counted = ", ".join(f"{method} ({count})" for method, count in used.most_common())
    return ok(
        "method", f"receipts came by {counted}; your program must take the one that the account is set to"
    )
