"""`devkit keep`: turns recordings into samples that can be committed."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from devkit.cli import completes
from devkit.cli.output import echo, echo_json, has_bar, with_bar
from devkit.fixture.format import load
from devkit.fixture.redaction.plan import Sample, assign, plan_keep, require_free, write
from devkit.fixture.select import display_path, select
from devkit.fixture.store import Store
from devkit.session.project import project_in, redaction_policy
from devkit.session.settings import project_directory, read_settings
from devkit.webhook.masking import counted, one_line, printable


@click.command(name="keep")
@click.argument(
    "selectors", nargs=-1, required=True, metavar="SELECTOR...", shell_complete=completes("recording")
)
@click.option("--name", default="", help="NAME.json; for several recordings NAME/01-status.json and so on.")
@click.option("--allow-field", multiple=True, metavar="NAME", help="Keep this field or header as it is.")
@click.option("--redact-field", multiple=True, metavar="NAME", help="Replace this field or header.")
@click.option("--keep-text", is_flag=True, help="Keep the text of inbound messages.")
@click.option("--force", is_flag=True, help="Replace existing samples.")
@click.option("-n", "--dry-run", is_flag=True, help="Only print what would be replaced and written.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON line for each sample.")
def command(
    selectors: tuple[str, ...],
    name: str,
    allow_field: tuple[str, ...],
    redact_field: tuple[str, ...],
    keep_text: bool,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Turn recordings into samples: redacted, signed again and checked for leaks. All other bytes stay.

    A SELECTOR is latest, latest:N, a file, a directory, a pattern, or an id as any output shows it.
    If one recording cannot be redacted safely, nothing is written.
    """
    directory = project_directory(Path.cwd())
    settings, project = read_settings(os.environ, directory), project_in(directory)
    store = Store(settings.fixtures)
    policy = replace(
        redaction_policy(settings, project),
        allow=frozenset(allow_field),
        redact=frozenset(redact_field),
        keep_text=keep_text,
    )
    sources = select(store, selectors)
    bar = partial(with_bar, total=len(sources))
    paths = bar(sources, what="redact")
    redactions = [plan_keep(load(path), policy, name=display_path(path)) for path in paths]
    samples = assign(redactions, store.samples, name)
    if dry_run:
        require_free(samples, force=force)
    else:
        write(samples, force=force, watched=partial(bar, what="write"))
    if has_bar(len(samples)) and not as_json:
        echo(_summary(samples, dry_run))
        return
    for source, sample in zip(sources, samples, strict=True):
        if as_json:
            echo_json(_as_json(source, sample, dry_run))
        else:
            echo(_line(sample, dry_run))


def _line(sample: Sample, dry_run: bool) -> str:
    replaced = [f"{one_line(name, 40)} ({method})" for name, method in sample.redaction.replaced.items()]
    path = printable(display_path(sample.path)) + (" (not written)" if dry_run else "")
    return f"{path}: replaced {', '.join(replaced) or 'nothing'}"


def _summary(samples: Sequence[Sample], dry_run: bool) -> str:
    """One line for many samples."""
    replaced = Counter(name for sample in samples for name in sample.redaction.replaced)
    names = [f"{one_line(name, 40)} in {count}" for name, count in replaced.most_common()]
    done = "would be written" if dry_run else "written"
    directory = printable(display_path(samples[0].path.parent))
    return f"keep: {counted(len(samples), 'sample')} {done} to {directory}; replaced {', '.join(names) or 'nothing'}"


def _as_json(source: Path, sample: Sample, dry_run: bool) -> dict[str, object]:
    return {
        "event": "kept",
        "file": str(sample.path),
        "source": str(source),
        "replaced": dict(sample.redaction.replaced),
        "written": not dry_run,
    }
