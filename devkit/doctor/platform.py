"""Whether Vonage answers, knows the key, and where it sends receipts: one call, which reads and changes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from devkit.doctor.case import Case
from devkit.doctor.check import Check, failed, ok, refused, skipped
from devkit.doctor.holder import callback_check
from devkit.errors import ConfigurationError, DevkitError, VonageError
from devkit.registration.account import Account
from devkit.vonage_client import Credentials, make_client, translated

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


def platform_checks(case: Case) -> Iterator[Check]:
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


def _ask(case: Case, credentials: Credentials) -> _Reply:
    heads: list[tuple[int, str]] = []
    asked, held, error = case.now(), "", None

    def post(credentials: Credentials, path: str, params: dict[str, str]) -> Mapping[str, object]:
        nonlocal asked
        client = make_client(credentials)
        asked = case.now()  # not before: the SDK takes long to import
        try:
            with translated(credentials.host, hidden=(credentials.api_secret,)):
                answer = client.post(client.rest_host, path, params, "basic", "form")
        finally:
            if (response := client.last_response) is not None:
                heads.append((response.status_code, response.headers.get("Date", "")))
        if not isinstance(answer, dict):
            raise VonageError(
                f"{credentials.host} answered with something other than a JSON object.",
                hint="A proxy or a login page may be in between. Check VONAGE_REST_HOST too.",
            )
        return answer

    try:
        held = Account(credentials, post).read_callback()
    except (VonageError, ConfigurationError) as failure:
        error = failure
    took = case.now() - asked
    status, date = heads[0] if heads else (0, "")
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


def _clock(case: Case, reply: _Reply) -> Check:
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
