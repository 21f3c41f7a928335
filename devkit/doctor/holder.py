"""Whose delivery-receipt callback the account holds."""

from urllib.parse import urlsplit

from devkit.doctor.case import Case
from devkit.doctor.check import Check, failed, ok, refused, skipped
from devkit.errors import ConfigurationError
from devkit.redact import one_line
from devkit.registration.journal import Journal, devkit_host, read_journal
from devkit.session import Session

_STEP = "callback"


def callback_check(case: Case, held: str | None) -> Check:
    """What the callback in the account means for this project. held: None when it could not be asked for."""
    if held is None:
        return skipped(_STEP, "the account could not be asked")
    try:
        journal = read_journal(case.project.journal)
    except ConfigurationError as error:
        return refused(_STEP, error)
    if case.session:
        return _while_running(case.session, journal, held)
    if journal and journal.covers(held):
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
