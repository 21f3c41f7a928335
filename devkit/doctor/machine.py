"""This machine: the session and its receiver, the port, the place for recordings, and room for them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from devkit import durable
from devkit.doctor.case import UNKNOWN, Case
from devkit.doctor.check import Check, failed, ok, refused, skipped
from devkit.errors import ConfigurationError
from devkit.send.presence import absence, local_callback_url
from devkit.server import listen

_ENOUGH = 100 * 2**20  # bytes; a recording takes one or two file system blocks
_MEBIBYTE = 2**20


def machine_checks(case: Case) -> Iterator[Check]:
    """The receiver or its port, the fixtures directory, the disk."""
    yield receiver_check(case)
    yield _fixtures(case.store.recorded)
    yield _disk(case.store.recorded)


def session_check(case: Case) -> Check:
    """Whether a session runs in this directory."""
    session = case.session
    if session is None:
        return skipped("session", "none runs in this directory", "make dev")
    return ok("session", f"process {session.pid}, {session.mode}, since {session.started_at}")


def receiver_check(case: Case) -> Check:
    """Whether the session's receiver answers; without a session, whether its port is free."""
    if case.session is None and case.mode == "unknown":  # as is the port
        return skipped("receiver", UNKNOWN)
    if case.session is None:
        return _port(case.settings.port)
    wrong = absence(local_callback_url(case.session))
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
