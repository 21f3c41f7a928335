"""Checks this machine: session, ports, disk, recordings, and what killed sessions left behind."""

import os
import shlex
import shutil
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from devkit.doctor.check import UNKNOWN, Check, Context, failed, ok, refused, skipped
from devkit.durable import files as durable
from devkit.errors import ConfigurationError, FixtureError
from devkit.fixture.format import Fixture, load
from devkit.fixture.git import tracked_files
from devkit.http.server import listen
from devkit.session.reachability import local_callback_url, why_unreachable
from devkit.tunnel.orphaned_agents import find_orphaned_agents
from devkit.vonage.journal import read_journal
from devkit.webhook.receipt import Receipt
from devkit.webhook.vocabulary import DASHBOARD_METHODS

_ENOUGH = 100 * 2**20  # bytes; a recording takes one or two file system blocks
_MEBIBYTE = 2**20


def machine_checks(case: Context) -> Iterator[Check]:
    """The receiver or its port, the fixtures directory, the disk."""
    yield receiver_check(case)
    yield _fixtures(case.store.recorded)
    yield _disk(case.store.recorded)


def session_check(case: Context) -> Check:
    """Whether a session runs in this directory."""
    session = case.session
    if session is None:
        return skipped("session", "none runs in this directory", "make dev")
    return ok("session", f"process {session.pid}, {session.mode}, since {session.started_at}")


def receiver_check(case: Context) -> Check:
    """Whether the session's receiver answers; without a session, whether its port is free."""
    if case.session is None and case.mode == "unknown":  # as is the port
        return skipped("receiver", UNKNOWN)
    if case.session is None:
        return _port(case.settings.port)
    wrong = why_unreachable(local_callback_url(case.session))
    if wrong:
        return failed(
            "receiver", f"the session's receiver does not answer: {wrong}", "Start it again: make dev"
        )
    return ok("receiver", f"it answers at {case.session.local_url}")


def _port(port: int) -> Check:
    try:
        listen("127.0.0.1", port).close()
    except ConfigurationError as error:
        return refused("receiver", error)
    return ok(
        "receiver", f"not up, as no session runs; port {port} is free for it" if port else "any free port"
    )


def _fixtures(recorded: Path) -> Check:
    if not recorded.is_dir():
        above = _existing(recorded)
        if above.is_dir() and os.access(above, os.W_OK | os.X_OK):
            return ok("fixtures", f"{recorded} will be made by the first session")
        return failed("fixtures", f"{recorded} cannot be made: {above} is not writable", _other_place(above))
    try:
        durable.try_writing(recorded)
    except OSError as error:
        return failed("fixtures", f"{recorded} cannot be written: {error.strerror}", _other_place(recorded))
    return ok("fixtures", f"{recorded} can be written")


def _other_place(path: Path) -> str:
    return f"chmod u+rwx {path}, or put DEVKIT_FIXTURES=another/directory into .env"


def _disk(recorded: Path) -> Check:
    try:
        free = shutil.disk_usage(_existing(recorded)).free
    except OSError as error:
        return skipped("disk", f"its free space cannot be told: {error.strerror}")
    words = f"{free // _MEBIBYTE:,} MiB are free for recordings"
    return ok("disk", words) if free >= _ENOUGH else failed("disk", f"only {words}", "devkit prune")


def _existing(path: Path) -> Path:
    return next(part for part in (path, *path.absolute().parents) if part.exists())


def leftover_checks(case: Context) -> Iterator[Check]:
    """The journal, orphaned agents, and tracked recordings."""
    yield _journal(case)
    yield _agents(case)
    yield _tracked(case)


def _journal(case: Context) -> Check:
    try:
        journal = read_journal(case.project.journal)
    except ConfigurationError as error:
        return refused("journal", error)
    if journal is None:
        return ok("journal", "no former callback waits to be given back")
    if case.session and case.session.pid == journal.pid:
        return ok("journal", "the session that runs gives the former callback back at its end")
    return failed(
        "journal",
        f"a session that began at {journal.since} has not given the account's former callback back",
        "devkit restore",
    )


def _agents(case: Context) -> Check:
    orphans = find_orphaned_agents(case.project.private)
    if not orphans:
        return ok("agents", "no ngrok agent of a killed session is left")
    pids = ", ".join(str(agent.pid) for agent in orphans)
    return failed(
        "agents", f"an ngrok agent of a killed session still runs: process {pids}", "devkit restore"
    )


def _tracked(case: Context) -> Check:
    places = {case.project.private: "secrets", case.store.recorded: "phone numbers"}
    try:
        tracked = {place: files for place in places if (files := tracked_files(place))}
    except ConfigurationError as error:
        return skipped("git", error.message, error.hint)
    for place, files in tracked.items():
        words = f"it tracks {len(files)} file(s) in {place}, where {places[place]} are"
        return failed("git", words, f"git rm -r --cached {shlex.quote(str(place))}")
    return ok("git", f"it tracks no file in {' and '.join(map(str, places))}")


_RECENT = 50  # recordings; the newest say how the account is set now

_DASHBOARD = "Vonage dashboard, API settings"


def recording_checks(case: Context) -> Iterator[Check]:
    """SMS API or Messages API, and the HTTP method, as far as they can be told. No API of Vonage tells either."""
    fixtures = list(_recent(case))
    yield _api(fixtures)
    yield _method(fixtures)


def _recent(case: Context) -> Iterator[Fixture]:
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
    used = Counter(f.callback.transport for f in fixtures if isinstance(f.read(), Receipt))
    if not used:
        return skipped(
            "method",
            "no API tells in which transport receipts come; devkit takes get, form and json "
            "(in the dashboard GET, POST and POST-JSON)",
        )
    counted = ", ".join(f"{transport} ({count})" for transport, count in used.most_common())
    methods = ", ".join(DASHBOARD_METHODS[transport] for transport, _ in used.most_common())
    return ok(
        "method",
        f"receipts came as {counted}, in the dashboard {methods}; your program must take the transport that "
        "the account is set to",
    )
