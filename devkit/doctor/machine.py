"""Checks this machine: settings, session, port, disk, and what killed sessions left."""

import errno
import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from devkit.doctor.check import UNKNOWN, Check, Context, failed, ok, refused, skipped
from devkit.durable import files as durable
from devkit.errors import ConfigurationError
from devkit.fixture.git import tracked_files
from devkit.http.server import listen
from devkit.session.reachability import local_callback_url, why_unreachable
from devkit.session.settings import Settings, read_env_file, read_settings
from devkit.session.start_checks import unknown_setting
from devkit.tunnel.orphans import find_orphans
from devkit.vonage.journal import journal_path, read_journal
from devkit.vonage.setting import WORDS
from devkit.webhook.masking import counted

_PREFIXES = ("VONAGE_", "NGROK_", "PYNGROK_", "DEVKIT_")
_PAIR = ("VONAGE_API_KEY", "VONAGE_API_SECRET")
_MEBIBYTE = 2**20
_ENOUGH = 100 * _MEBIBYTE  # bytes; a recording takes one or two file system blocks
_PRUNE = "devkit prune --older-than 30d"


def settings_checks(environ: Mapping[str, str], directory: Path) -> tuple[Settings | None, list[Check]]:
    """The settings and the checks of them, which show names, never values. None when the settings cannot be used."""
    file = directory / ".env"
    try:
        settings = read_settings(environ, directory)
    except ConfigurationError as error:
        return None, [refused(".env", error)]
    values = read_env_file(file) if file.is_file() else {}  # a FIFO can be read once
    in_file = {name for name, value in values.items() if value and name.startswith(_PREFIXES)}
    in_environ = {name for name in environ if name.startswith(_PREFIXES)}
    is_without = not (settings.api_key or settings.api_secret)
    checks = [
        _file(file, in_file, in_environ, is_needed=is_without),
        *(failed("settings", *unknown_setting(name)) for name in settings.unknown_names),
        *_tracked_secrets(file),
        *_tracked_secrets(directory / ".vonagerc"),
    ]
    if settings.credentials_error and not settings.offline:
        return None, [*checks, refused("credentials", settings.credentials_error)]
    # An empty value in the environment has precedence over the file too.
    places = sorted({"the environment" if name in in_environ else str(file) for name in _PAIR})
    if settings.credentials_file:
        places = [f"{settings.credentials_file}, a file of the Vonage CLI"]
    return settings, [*checks, _credentials(settings, places)]


def _file(file: Path, in_file: set[str], in_environ: set[str], *, is_needed: bool = False) -> Check:
    if not file.is_file():
        hint = "To use an account: devkit init --print .env.example > .env, and fill in what you have"
        return skipped(".env", f"there is none in {file.parent}", hint if is_needed else "")
    names = ", ".join(sorted(in_file)) or "nothing of devkit's"
    both = ", ".join(sorted(in_file & in_environ))
    rest = f"; the environment has precedence for {both}" if both else ""
    return ok(".env", f"{file} sets {names}{rest}")


def _tracked_secrets(file: Path) -> Iterator[Check]:
    try:
        if tracked_files(file):
            yield failed(
                f"{file.name} in git",
                f"git tracks {file}, which is for secrets",
                f"git rm --cached {file.name}, commit that, and make new secrets in the dashboards",
            )
    except ConfigurationError:  # git is missing, so nobody commits it here
        return


def _credentials(settings: Settings, places: list[str]) -> Check:
    if not settings.api_key or settings.credentials_error:
        return skipped("credentials", "no Vonage key and secret: devkit works offline, with its simulator")
    found = f"key and secret are set, in {' and '.join(places)}"
    if settings.offline:
        return skipped("credentials", f"{found}, but DEVKIT_OFFLINE is set: they are not used")
    return ok("credentials", found)


def session_check(context: Context) -> Check:
    """Whether a session runs in this project."""
    session = context.session
    if session is None:
        return skipped("session", "none runs in this project", "devkit dev")
    return ok("session", f"process {session.pid}, {session.mode}, since {session.started_at}")


def machine_checks(context: Context) -> Iterator[Check]:
    """The receiver or its port, the fixtures directory, the disk."""
    yield receiver_check(context)
    yield _fixtures(context.store.recorded)
    yield _disk(context.store.recorded)


def receiver_check(context: Context) -> Check:
    """Whether the session's receiver answers; without a session, whether its port is free."""
    if context.session:
        if problem := why_unreachable(local_callback_url(context.session)):
            return failed(
                "receiver", f"the session's receiver does not answer: {problem}", "Start it again: devkit dev"
            )
        return ok("receiver", f"it answers at {context.session.local_url}")
    if context.mode == "unknown":  # the port is unknown too
        return skipped("receiver", UNKNOWN)
    port = context.settings.port
    try:
        listen("127.0.0.1", port).close()
    except ConfigurationError as error:
        return refused("receiver", error)
    return ok(
        "receiver",
        f"it does not run, as there is no session; port {port} is free for it" if port else "any free port",
    )


def _fixtures(recorded: Path) -> Check:
    if not recorded.is_dir():
        parent = _existing(recorded)
        if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
            return ok("fixtures", f"{recorded} will be created by the first session")
        return failed(
            "fixtures", f"{recorded} cannot be created: {parent} is not writable", _chmod_hint(parent)
        )
    try:
        durable.try_writing(recorded)
    except OSError as error:
        hint = _PRUNE if error.errno == errno.ENOSPC else _chmod_hint(recorded)
        return failed("fixtures", f"{recorded} cannot be written: {error.strerror}", hint)
    return ok("fixtures", f"{recorded} can be written")


def _chmod_hint(path: Path) -> str:
    return f"chmod u+rwx {path}, or put DEVKIT_FIXTURES=another/directory into .env"


def _disk(recorded: Path) -> Check:
    try:
        free = shutil.disk_usage(_existing(recorded)).free
    except OSError as error:
        return skipped("disk", f"its free space is not known: {error.strerror}")
    found = f"{free // _MEBIBYTE:,} MiB are free for recordings"
    return ok("disk", found) if free >= _ENOUGH else failed("disk", f"only {found}", _PRUNE)


def _existing(path: Path) -> Path:
    return next(part for part in (path, *path.absolute().parents) if part.exists())


def leftover_checks(context: Context) -> Iterator[Check]:
    """The journal, orphaned agents, and private files that git tracks."""
    yield _journal(context)
    yield _agents(context)
    yield _tracked(context)


def _journal(context: Context) -> Check:
    try:
        found = [read_journal(journal_path(context.project.journal, setting)) for setting in WORDS]
    except ConfigurationError as error:
        return refused("journal", error)
    journals = [journal for journal in found if journal]
    if not journals:
        return ok("journal", "no former callback has to be restored")
    session = context.session
    left = [each for each in journals if not (session and session.pid == each.pid)]
    names = " and ".join(f"the {each.words.owner}'s former {each.words.url}" for each in left or journals)
    if not left:
        return ok("journal", f"the running session restores {names} at its end")
    return failed(
        "journal",
        f"a session that began at {left[0].since} has not restored {names}",
        "devkit restore",
    )


def _agents(context: Context) -> Check:
    if context.session:
        return ok("agents", "the running session ends its own tunnel")
    if left := find_orphans(context.project.private):
        return failed("agents", f"a killed session has left {', '.join(left)}", "devkit restore")
    return ok("agents", "no tunnel of a killed session is left")


def _tracked(context: Context) -> Check:
    places = {context.project.private: "secrets", context.store.recorded: "phone numbers"}
    try:
        for place, content in places.items():
            if files := tracked_files(place):
                found = f"it tracks {counted(len(files), 'file')} in {place}, where {content} are"
                return failed("git", found, f"git rm -r --cached {shlex.quote(str(place))}")
    except ConfigurationError as error:
        return skipped("git", error.message, error.hint)
    return ok("git", f"it tracks no file in {' and '.join(map(str, places))}")
