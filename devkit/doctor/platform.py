"""Checks Vonage: reachable, credentials accepted, the account's callback URL, and what recordings show of its setup."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from devkit.doctor.check import Check, Context, failed, ok, refused, skipped
from devkit.errors import ConfigurationError, DevkitError, FixtureError, VonageError
from devkit.fixture.format import Fixture, load
from devkit.session.project import Session
from devkit.vonage.account import AccountSetting
from devkit.vonage.client import Credentials, make_client, post_form
from devkit.vonage.journal import Journal, devkit_host, read_journal
from devkit.webhook.masking import one_line
from devkit.webhook.receipt import Receipt
from devkit.webhook.vocabulary import DASHBOARD_METHODS

if TYPE_CHECKING:  # only the type, and importing it takes long
    from requests import Response

_MAX_CLOCK_ERROR = 30.0  # seconds; more distorts delays, and the age of signatures


@dataclass(frozen=True, slots=True)
class _Reply:
    """The result of reading an account's settings.

    status: of the HTTP response, 0 when none came. date: of the response, None when it has no readable one.
    took: from request to response. middle: the moment between the two. error: why the settings are not known.
    """

    callback_url: str
    status: int
    date: datetime | None
    took: timedelta
    middle: datetime
    error: DevkitError | None


def platform_checks(context: Context) -> Iterator[Check]:
    """Vonage reachable, key accepted, settings readable, whose callback, and the clock."""
    if context.credentials is None:
        for step in ("vonage", "key", "account", "callback", "clock"):
            yield skipped(step, context.why_no_account)
        return
    reply = _read_account(context, context.credentials)
    yield from _account_checks(context.credentials.host, reply)
    yield callback_check(context, reply.callback_url if reply.error is None else None)
    yield _clock(context, reply)


def _read_account(context: Context, credentials: Credentials) -> _Reply:
    response: Response | None = None
    started, callback_url, error = context.now(), "", None

    def post(credentials: Credentials, path: str, params: dict[str, str]) -> Mapping[str, object]:
        nonlocal started, response
        client = make_client(credentials)
        started = context.now()  # not before: the SDK takes long to import
        try:
            return post_form(credentials, path, params, client)
        finally:
            response = client.last_response

    try:
        callback_url = AccountSetting(credentials, post).read().url
    except (VonageError, ConfigurationError) as failure:
        error = failure
    took = context.now() - started
    if response is None:
        return _Reply(callback_url, 0, None, took, started, error)
    date = _parse_date(response.headers.get("Date", ""))
    return _Reply(callback_url, response.status_code, date, took, started + took / 2, error)


def _parse_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else None


def _account_checks(host: str, reply: _Reply) -> list[Check]:
    answers = ok("vonage", f"{host} answers, within {reply.took.total_seconds():.1f} s")
    unread = skipped("account", "its settings could not be read")
    if (error := reply.error) is None:
        accepted = ok("key", "the account's key and secret are accepted")
        return [answers, accepted, ok("account", "its settings can be read")]
    if reply.status == 0:
        return [refused("vonage", error), skipped("key", "there is no answer"), unread]
    if reply.status == 401:
        return [answers, refused("key", error), unread]
    return [answers, skipped("key", "the answer does not show it"), refused("account", error)]


def _clock(context: Context, reply: _Reply) -> Check:
    if context.session and context.session.mode == "offline":
        return skipped("clock", "the simulator uses this machine's own")
    if reply.date is None:
        return skipped("clock", "there is no answer with a Date to compare with")
    # The Date header has whole seconds: on average it is half a second old.
    error = (reply.middle - reply.date).total_seconds() - 0.5
    found = f"this machine's clock is {abs(error):.0f} s {'ahead of' if error > 0 else 'behind'} Vonage's"
    if abs(error) <= _MAX_CLOCK_ERROR:
        return ok("clock", found)
    return failed(
        "clock",
        f"{found}: delays, and the age of signatures, will be wrong",
        "Have the clock set automatically (Linux: timedatectl set-ntp true)",
    )


def callback_check(context: Context, current: str | None) -> Check:
    """What the account's callback means for this project. current: None when it could not be read."""
    if current is None:
        return skipped("callback", "the account's settings could not be read")
    try:
        journal = read_journal(context.project.journal)
    except ConfigurationError as error:
        return refused("callback", error)
    if context.session:
        return _with_session(context.session, journal, current)
    if journal and journal.is_ours(current):
        return failed(
            "callback",
            "a killed session left its own callback in the account: no program gets the receipts",
            "devkit restore (devkit dev fixes it too)",
        )
    return _without_session(current)


def _with_session(session: Session, journal: Journal | None, current: str) -> Check:
    if current == session.callback_url:
        return ok("callback", "the account holds this session's: every receipt comes here")
    found = f"the account holds {_without_secrets(current)}"
    if session.mode == "live" and journal and journal.pid == session.pid:
        return failed(
            "callback",
            f"{found}, which this session did not set: receipts go there",
            "Find out who set it. To take it back, start again: devkit dev. Or: devkit send",
        )
    return ok(
        "callback",
        f"{found}; only messages with their own callback come here, such as those of devkit send",
    )


def _without_session(current: str) -> Check:
    if not current:
        return ok("callback", "the account holds none; devkit dev sets its own while it runs")
    if devkit_host(current):
        return failed(
            "callback",
            f"another devkit has the account's: {_without_secrets(current)}",
            "Ask who runs it. Or take it over: devkit dev --force. Or share: devkit dev --no-register",
        )
    return ok(
        "callback",
        f"the account holds {_without_secrets(current)}; devkit dev replaces it while it runs, then restores it",
    )


def _without_secrets(url: str) -> str:
    """A callback URL without the parts that may be secret: the path, the query, a password."""
    if not url:
        return "none"
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if not parts.netloc:
        return "something that is not a URL"
    return one_line(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/...", 100)


_RECENT = 50  # recordings; the newest show how the account is set now
_DASHBOARD = "Vonage dashboard, API settings"


def recording_checks(context: Context) -> Iterator[Check]:
    """SMS API or Messages API, and the transport, as far as recordings show them. No API of Vonage shows either."""
    fixtures = list(_recent(context))
    yield _api(fixtures)
    yield _transport(fixtures)


def _recent(context: Context) -> Iterator[Fixture]:
    for entry in islice(context.store.entries(), _RECENT):
        try:
            yield load(entry.path)
        except FixtureError:  # devkit check reports it
            continue


def _api(fixtures: list[Fixture]) -> Check:
    for reading in (fixture.read() for fixture in fixtures):  # the newest first
        if isinstance(reading, Receipt):
            return ok("api", "the newest recording is a receipt of the SMS API")
        if reading.kind in ("messages-status", "messages-inbound"):
            return failed(
                "api",
                "the newest recording is a status of the Messages API, not a receipt of the SMS API",
                f"{_DASHBOARD}: set the default SMS setting to SMS API",
            )
    return skipped(
        "api",
        "no API shows whether the account is set to SMS API or Messages API; a recording would show it",
        f"It is in the {_DASHBOARD}, under Default SMS setting. Or send a message: devkit send --wait",
    )


def _transport(fixtures: list[Fixture]) -> Check:
    used = Counter(f.callback.transport for f in fixtures if isinstance(f.read(), Receipt))
    if not used:
        return skipped(
            "method",
            "no API shows in which transport receipts come; devkit takes get, form and json "
            "(in the dashboard GET, POST and POST-JSON)",
        )
    counted = ", ".join(f"{transport} ({count})" for transport, count in used.most_common())
    methods = ", ".join(DASHBOARD_METHODS[transport] for transport, _ in used.most_common())
    return ok(
        "method",
        f"receipts came as {counted}, in the dashboard {methods}; your program must take the transport that "
        "the account is set to",
    )
