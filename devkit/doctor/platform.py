"""Checks Vonage: reachable, credentials accepted, and which callback URL the account has."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from devkit.doctor.check import Check, Context, failed, ok, refused, skipped
from devkit.errors import ConfigurationError, DevkitError, VonageError
from devkit.session.project import Session
from devkit.vonage.account import CallbackSetting
from devkit.vonage.client import Credentials, make_client, post_form
from devkit.vonage.journal import Journal, devkit_host, read_journal
from devkit.webhook.masking import one_line

if TYPE_CHECKING:
    from requests import Response

_MOST = timedelta(seconds=30)  # a clock that is off by more makes delays, and the age of signatures, wrong


@dataclass(frozen=True, slots=True)
class _Reply:
    """What came of asking an account for its settings.

    status: of the HTTP answer, 0 when none came. date: of the answer, None when it bears none that can be read.
    took: the time from question to answer. middle: the moment between the two. error: why the settings are not known.
    """

    callback_url: str
    status: int
    date: datetime | None
    took: timedelta
    middle: datetime
    error: DevkitError | None


def platform_checks(case: Context) -> Iterator[Check]:
    """Vonage reachable, key accepted, settings read, whose callback, and the clock."""
    if case.credentials is None:
        for step in ("vonage", "key", "account", "callback", "clock"):
            yield skipped(step, case.why_no_account)
        return
    reply = _ask(case, case.credentials)
    yield _reachable(case.credentials.host, reply)
    yield _key(reply)
    yield _account(reply)
    yield callback_check(case, reply.callback_url if reply.error is None else None)
    yield _clock(case, reply)


def _ask(case: Context, credentials: Credentials) -> _Reply:
    response: Response | None = None
    asked, held, error = case.now(), "", None

    def post(credentials: Credentials, path: str, params: dict[str, str]) -> Mapping[str, object]:
        nonlocal asked, response
        client = make_client(credentials)
        asked = case.now()  # not before: the SDK takes long to import
        try:
            return post_form(credentials, path, params, client)
        finally:
            response = client.last_response

    try:
        held = CallbackSetting(credentials, post).read_callback()
    except (VonageError, ConfigurationError) as failure:
        error = failure
    took = case.now() - asked
    status, date = (
        (response.status_code, response.headers.get("Date", "")) if response is not None else (0, "")
    )
    return _Reply(held, status, _read_date(date), took, asked + took / 2, error)


def _read_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _reachable(host: str, reply: _Reply) -> Check:
    if reply.status == 0 and reply.error:
        return refused("vonage", reply.error)
    return ok("vonage", f"{host} answers, within {reply.took.total_seconds():.1f} s")


def _key(reply: _Reply) -> Check:
    if reply.status == 401 and reply.error:
        return refused("key", reply.error)
    if reply.error is None:
        return ok("key", "the account's key and secret are accepted")
    return skipped("key", "nobody looked at it" if reply.status == 0 else "the answer does not say")


def _account(reply: _Reply) -> Check:
    if reply.error is None:
        return ok("account", "its settings can be read")
    if reply.status in (0, 401):
        return skipped("account", "its settings could not be asked for")
    return refused("account", reply.error)


def _clock(case: Context, reply: _Reply) -> Check:
    if case.session and case.session.mode == "offline":
        return skipped("clock", "the simulator has this machine's own")
    if reply.date is None:
        return skipped("clock", "there is no answer with a Date to compare it with")
    # The Date header has whole seconds: on average it is half a second old.
    off = (reply.middle - reply.date - timedelta(seconds=0.5)).total_seconds()
    words = f"this machine's clock is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} Vonage's"
    if abs(off) <= _MOST.total_seconds():
        return ok("clock", words)
    return failed(
        "clock",
        f"{words}: delays, and the age of signatures, will be wrong",
        "Have the clock set automatically (Linux: timedatectl set-ntp true)",
    )


_STEP = "callback"


def callback_check(case: Context, held: str | None) -> Check:
    """What the callback in the account means for this project. held: None when it could not be asked for."""
    if held is None:
        return skipped(_STEP, "the account could not be asked")
    try:
        journal = read_journal(case.project.journal)
    except ConfigurationError as error:
        return refused(_STEP, error)
    if case.session:
        return _while_running(case.session, journal, held)
    if journal and journal.is_ours(held):
        return failed(
            _STEP,
            "a session that was killed has left its own in the account: receipts go nowhere",
            "devkit restore (or start again: devkit dev puts it right too)",
        )
    return _at_rest(held)


def _while_running(session: Session, journal: Journal | None, held: str) -> Check:
    if held == session.callback_url:
        return ok(_STEP, "the account holds this session's: every receipt comes here")
    whose = f"the account holds {_shown(held)}"
    if session.mode == "live" and journal and journal.pid == session.pid:
        return failed(
            _STEP,
            f"{whose}, which this session has not set: receipts go there",
            "Find out who has set it. To take it back, start again: make dev. Or: devkit send",
        )
    return ok(
        _STEP, f"{whose}; only messages with their own callback come here, such as those of devkit send"
    )


def _at_rest(held: str) -> Check:
    if not held:
        return ok(_STEP, "the account holds none; devkit dev sets its own while it runs")
    if devkit_host(held):
        return failed(
            _STEP,
            f"another devkit has the account's: {_shown(held)}",
            "Ask who runs it. Or take it over: devkit dev --force. Or share: devkit dev --no-register",
        )
    return ok(
        _STEP, f"the account holds {_shown(held)}; devkit dev replaces it while it runs, and gives it back"
    )


def _shown(url: str) -> str:
    """A callback URL without what may be secret in it: the path, the query, a password."""
    if not url:
        return "none"
    if not _is_url(url):
        return "something that is not a URL"
    parts = urlsplit(url)
    return one_line(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/...", 100)


def _is_url(text: str) -> bool:
    try:
        return bool(urlsplit(text).netloc)
    except ValueError:
        return False
