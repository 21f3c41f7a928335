"""`devkit report`: one HTML file of receipts, to mail or to keep as a CI artifact."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from devkit.cli import completes
from devkit.cli.output import echo, echo_bytes, hint, notice, with_bar
from devkit.durable import files as durable
from devkit.errors import StoreError, UsageError
from devkit.fixture.response_log import Responses, recording_key
from devkit.fixture.select import display_path, select
from devkit.fixture.send_log import read_sends
from devkit.fixture.store import Store
from devkit.inspector.report import MARK, Report, make_report
from devkit.session.project import Project, project_in, redaction_policy
from devkit.session.settings import project_directory, read_settings
from devkit.webhook.masking import counted, printable

_LIMIT = 1000  # receipts; to redact one takes some milliseconds, and a page of a few megabytes opens quickly
_STDOUT = "-"


@click.command(name="report")
@click.argument("selectors", nargs=-1, metavar="[SELECTOR...]", shell_complete=completes("recording"))
@click.option(
    "-o",
    "--output",
    default="report.html",
    show_default=True,
    metavar="FILE",
    help="The file to write; - for the standard output.",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=_LIMIT,
    show_default=True,
    metavar="N",
    help="The newest receipts only.",
)
@click.option("--private", is_flag=True, help="Redact nothing, and show the application's responses.")
@click.option("--allow-field", multiple=True, metavar="NAME", help="Show this field as it is.")
@click.option("--redact-field", multiple=True, metavar="NAME", help="Replace this field.")
@click.option("--force", is_flag=True, help="Replace a file that is not a report.")
def command(
    selectors: tuple[str, ...],
    output: str,
    limit: int,
    private: bool,
    allow_field: tuple[str, ...],
    redact_field: tuple[str, ...],
    force: bool,
) -> None:
    """Make a report: one HTML file with the timelines of messages, charts, and the application's responses.

    Without a SELECTOR it has the receipts of the running session, else those of today (UTC). A SELECTOR is latest,
    latest:N, a file, a directory, a pattern, or a message id, its unique beginning or end. Phone numbers, ids,
    references and tokens are replaced as `devkit keep` does.
    """
    if private and (allow_field or redact_field):
        raise UsageError("--private redacts nothing, so no field has a rule.", hint="Leave one of them out.")
    path = None if output == _STDOUT else Path(output)
    if path:
        _require_replaceable(path, force=force)
    directory = project_directory(Path.cwd())
    settings, project = read_settings(os.environ, directory), project_in(directory)
    policy = None
    if not private:
        policy = replace(
            redaction_policy(settings, project),
            allow=frozenset(allow_field),
            redact=frozenset(redact_field),
        )
    found = _paths(Store(settings.fixtures), selectors, project)
    paths = found[-limit:]
    report = make_report(
        with_bar(paths, len(paths), "report"),
        policy,
        Responses(project.private).logged(set(map(recording_key, paths))),
        read_sends(project.private),
        datetime.now(UTC),
        secret=settings.signature_secret,
        method=settings.signature_method,
        left_out=len(found) - len(paths),
    )
    if path is None:
        echo_bytes(report.html)
    else:
        _write(path, report.html, private=private)
        echo(f"{printable(display_path(path))}: {_summary(report)}")
    _print_notices(report, len(found))


def _paths(store: Store, selectors: tuple[str, ...], project: Project) -> list[Path]:
    """The recordings of the report, oldest first, each once."""
    if selectors:
        found = {recording_key(path): path for path in select(store, selectors)}
        return [found[key] for key in sorted(found)]
    session, today = project.session(), datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    since = datetime.fromisoformat(session.started_at) if session else today
    return [entry.path for entry in store.entries(since=since)][::-1]


def _require_replaceable(path: Path, *, force: bool) -> None:
    """Raise UsageError when another file than a report is there; with force only for what is no file: /dev/stdout."""
    try:
        if not path.exists():
            return
        if not path.is_file():
            raise UsageError(
                f"{display_path(path)} is not a file.",
                hint="Name a file with -o, or - for the standard output.",
            )
        with path.open("rb") as file:
            is_report = file.read(len(MARK)) == MARK
    except OSError as error:
        raise _unwritable(path, error) from error
    if not (is_report or force):
        raise UsageError(
            f"{display_path(path)} exists, and is not a report.",
            hint="Choose another file with -o, or replace it with --force.",
        )


def _write(path: Path, html: bytes, *, private: bool) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(path, html)
        if not private:
            path.chmod(0o644)  # another user may collect the artifacts of a CI job
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{display_path(path)} could not be written: {error.strerror}.",
        hint="Choose another file with -o, or - for the standard output.",
    )


def _summary(report: Report) -> str:
    sent = [message for message in report.messages if message.was_sent]
    receipts = counted(sum(len(message.lines) for message in sent), "receipt")
    inbound = sum(message.is_inbound for message in report.messages)
    unreadable = sum(message.is_unreadable for message in report.messages)
    more = {
        "not delivered": sum(message.has_failed for message in sent),
        "inbound": inbound,
        "of other products": len(report.messages) - len(sent) - inbound - unreadable,
        "unreadable": unreadable,
    }
    counts = (f"{number} {what}" for what, number in more.items() if number)
    return ", ".join([f"{receipts} of {counted(len(sent), 'message')}", *counts])


def _print_notices(report: Report, found: int) -> None:
    if not found:
        notice("No receipts were recorded, so the report is empty.")
    if older := found - report.receipts - len(report.damaged):
        notice(f"{counted(older, 'older recording')} left out. For more: --limit {found}")
    for problem in report.damaged:
        notice(f"Left out: {problem.message}")
    if report.withheld:
        first = report.withheld[0]
        more = ", for example" if len(report.withheld) > 1 else ""
        notice(f"{counted(len(report.withheld), 'recording')} shown without fields{more}: {first}.")
        hint(first.hint)
