"""Checks Vonage: reachable, credentials accepted, the account's settings, and what recordings show of them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from devkit.doctor.callback_urls import url_check
from devkit.doctor.check import Check, Context, failed, ok, refused, skipped
from devkit.errors import ConfigurationError, DevkitError, FixtureError, VonageError
from devkit.fixture.format import Fixture, load
from devkit.vonage.account import ACCOUNT_SETTINGS, read_urls
from devkit.vonage.client import Credentials, make_client, post_form
from devkit.vonage.setting import AccountSettingName
from devkit.webhook.jwt import application_in
from devkit.webhook.receipt import Kind, Receipt, Webhook
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

    urls: Mapping[AccountSettingName, str]
    status: int
    date: datetime | None
    took: timedelta
    middle: datetime
    error: DevkitError | None


def platform_checks(context: Context) -> Iterator[Check]:
    """Vonage reachable, key accepted, settings readable, whose callback and inbound URL, and the clock."""
    if context.credentials is None:
        for step in ("vonage", "key", "account", "callback", "inbound", "clock"):
            yield skipped(step, context.why_no_account)
        return
    reply = _read_account(context, context.credentials)
    yield from _account_checks(context.credentials.host, reply)
    for name in ACCOUNT_SETTINGS:
        yield url_check(context, name, reply.urls.get(name))
    yield _clock(context, reply)


def _read_account(context: Context, credentials: Credentials) -> _Reply:
    response: Response | None = None
    urls: Mapping[AccountSettingName, str] = {}
    started, error = context.now(), None
    try:
        client = make_client(credentials)
        started = context.now()  # not before: the SDK takes long to import
        try:
            urls = read_urls(credentials, partial(post_form, client=client))
        finally:
            response = client.last_response
    except (VonageError, ConfigurationError) as failure:
        error = failure
    took = context.now() - started
    if response is None:
        return _Reply(urls, 0, None, took, started, error)
    date = _parse_date(response.headers.get("Date", ""))
    return _Reply(urls, response.status_code, date, took, started + took / 2, error)


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


_RECENT = 50  # recordings; the newest show how the account is set now
_DASHBOARD = "Vonage dashboard, API settings"
_WEBHOOKS: dict[Kind, str] = {
    "sms-receipt": "recorded receipt",
    "sms-inbound": "recorded inbound message",
    "messages-status": "recorded status",
    "messages-inbound": "recorded inbound message",
}


def recording_checks(context: Context) -> Iterator[Check]:
    """SMS API or Messages API, and the transport, as far as recordings show them. No API of Vonage shows either."""
    fixtures = list(_recent(context))
    yield _api(context, fixtures)
    yield _transport(fixtures)


def _recent(context: Context) -> Iterator[Fixture]:
    for entry in islice(context.store.entries(), _RECENT):
        try:
            yield load(entry.path)
        except FixtureError:  # devkit check reports it
            continue


def _api(context: Context, fixtures: list[Fixture]) -> Check:
    """What the newest inbound message shows, else the newest receipt or status.

    An inbound message depends on the setting alone. A status also comes for a message that was sent through the
    Messages API, whatever the setting is; its token names the application that sent it.
    """
    kinds = [(reading.kind, each) for each in fixtures if isinstance(reading := each.read(), Webhook)]
    shown = [*(each for each in kinds if each[0].endswith("inbound")), *kinds]
    kind, newest = next((each for each in shown if each[0] != "unknown"), (None, None))
    if kind is None or newest is None:
        return skipped(
            "api",
            "no API shows whether Messaging API type is SMS API or Messages API; a recording would show it",
            f"It is in the {_DASHBOARD}. Or send a message: devkit send --wait",
        )
    name = "Messages API" if kind.startswith("messages") else "SMS API"
    found = f"the newest {_WEBHOOKS[kind]} is one of the {name}"
    if kind == "messages-status":
        token = newest.callback.header("Authorization") if newest.signature != "invalid" else ""
        if application_id := application_in(token):
            is_known = context.mode != "live" or application_id == context.settings.application_id
            return ok(
                "api",
                f"{found}, sent by application {application_id}: it does not show what Messaging API type is",
                "" if is_known else f"For all its statuses: devkit dev --application {application_id}",
            )
        return ok("api", f"{found}: Messaging API type is Messages API, or the message was sent through it")
    return ok("api", f"{found}, so Messaging API type is {name} (inferred: no API shows it)")


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
