"""`devkit show`: explains a webhook, or prints it in another form."""

import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from textwrap import wrap

import click

from devkit.cli import completes
from devkit.cli.output import echo, echo_bytes, echo_json, notice, status_color, style
from devkit.fixture.explain import KIND_NAMES, Explanation, explain
from devkit.fixture.export import FORMS, export
from devkit.fixture.format import format_time, load
from devkit.fixture.select import display_path, select
from devkit.fixture.store import Store
from devkit.session.settings import Settings, project_directory, read_settings
from devkit.webhook.callback import CALLBACK_PATH
from devkit.webhook.masking import counted, one_line, printable
from devkit.webhook.vocabulary import TRANSPORT_MEANINGS

_LABEL = 11  # columns
_WIDEST = 100
_NARROWEST = 30  # columns for the meaning of a field


@click.command(name="show")
@click.argument("selectors", nargs=-1, required=True, metavar="ID...", shell_complete=completes("selector"))
@click.option("--numbers", is_flag=True, help="Show complete phone numbers.")
@click.option("--as", "form", type=click.Choice(FORMS), help="Print it in another form, with phone numbers.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON line for each receipt.")
def command(selectors: tuple[str, ...], numbers: bool, form: str | None, as_json: bool) -> None:
    """Explain a receipt or another webhook, or print it in another form.

    ID is a message id, its unique beginning or end, a file, a directory, a pattern, `latest`, `latest:3`, or the name
    of a sample.
    """
    directory = project_directory(Path.cwd())
    settings = read_settings(os.environ, directory)
    store = Store(settings.fixtures)
    paths = select(store, selectors)
    if form is not None:
        if as_json:
            notice("--json has no effect with --as")
        _print_form(form, paths, store, _target(settings, directory) if form == "curl" else "")
        return
    for number, path in enumerate(paths):
        explanation = explain(
            load(path), secret=settings.signature_secret, method=settings.signature_method, numbers=numbers
        )
        if as_json:
            echo_json(_as_json(path, explanation))
        else:
            echo("\n".join([*([""] if number else []), *_lines(display_path(path), explanation)]))


def _target(settings: Settings, directory: Path) -> str:
    """The URL of local code: that of a replay."""
    from devkit.http.address import parse_address, path_of  # here: an explanation needs neither of them
    from devkit.session.project import local_code_url, project_in

    address = parse_address(local_code_url(project_in(directory).session(), settings), allow_remote=True)
    return f"{address}{path_of(address) or CALLBACK_PATH}"


def _print_form(form: str, paths: list[Path], store: Store, url: str) -> None:
    echo_bytes(export(form, [(path, load(path)) for path in paths], url))
    if form == "pytest" and any(path.is_relative_to(store.recorded) for path in paths):
        echo("Recordings are private: nobody else can run this test. Make a sample: devkit keep", err=True)


def _as_json(path: Path, explanation: Explanation) -> dict[str, object]:
    recorded_at = format_time(explanation.recorded_at)
    return {"file": str(path), **asdict(explanation), "recorded_at": recorded_at}


def _lines(file: str, explanation: Explanation) -> Iterator[str]:
    yield from _headline(explanation)
    size = f", {counted(explanation.body_size, 'byte')}" if explanation.body_size else ""
    carried = f"{TRANSPORT_MEANINGS[explanation.transport]}{size}"
    yield from _row("file", printable(file))
    yield from _row("recorded", f"{explanation.recorded_at:%Y-%m-%d %H:%M:%S.%f} UTC")
    yield from _row("request", f"{explanation.method} {one_line(explanation.path)}, {carried}")
    if explanation.kind not in ("sms-receipt", "unreadable"):
        channel = f", channel {one_line(explanation.channel, 30)}" if explanation.channel else ""
        yield from _row("kind", f"{KIND_NAMES[explanation.kind]}{channel}")
    if explanation.kind != "unreadable":
        yield from _row("signature", f"{explanation.signature}. {explanation.signature_detail}")
    for label in ("captured", "note"):
        yield from _row(label, one_line(getattr(explanation, label), 1000))
    for label in ("redacted", "tags"):
        yield from _row(label, one_line(", ".join(getattr(explanation, label)), 1000))
    yield from _fields(explanation)
    if explanation.pitfalls:
        yield ""
        yield "Beware"
        for pitfall in explanation.pitfalls:
            yield from wrap(pitfall, _width(), initial_indent="  - ", subsequent_indent="    ")


def _headline(explanation: Explanation) -> Iterator[str]:
    if explanation.kind == "unreadable":
        yield style("not a receipt", fg="red", bold=True)
        yield from _indented(explanation.problem)
        yield ""
        return
    status = style(one_line(explanation.status, 60), fg=status_color(explanation.status), bold=True)
    more = "more statuses may follow" if explanation.kind == "messages-status" else "more receipts may follow"
    finality = {True: "final", False: more, None: ""}[explanation.final]
    meaning = ", ".join(filter(None, (explanation.status_meaning, finality)))
    yield f"{status}  {meaning}" if meaning else status
    if explanation.problem:
        yield from _indented(explanation.problem)
    label = "error" if explanation.kind == "messages-status" else "err-code"
    if explanation.err_code:
        yield f"{label} {one_line(explanation.err_code, 30)}  {one_line(explanation.err_code_meaning, 60)}"
    yield from _indented(explanation.advice)
    if explanation.corresponds_to:
        yield from _indented(f"In the SMS API: {explanation.corresponds_to} (inferred from the names).")
    yield ""


def _indented(text: str) -> list[str]:
    return wrap(one_line(text, 1000), _width(), initial_indent="  ", subsequent_indent="  ")


def _fields(explanation: Explanation) -> Iterator[str]:
    if not explanation.fields:
        return
    yield ""
    names = [one_line(field.name, 40) for field in explanation.fields]
    values = [one_line(field.value, 72) for field in explanation.fields]
    name_width, value_width = max(map(len, names)), min(max(map(len, values)), 24)
    undocumented = "" if explanation.kind == "unknown" else "no document lists this field"
    for name, value, field in zip(names, values, explanation.fields, strict=True):
        start = f"  {name:<{name_width}}  {value:<{value_width}}"
        yield from _field_lines(start, field.meaning or undocumented, name_width + 4)


def _field_lines(start: str, meaning: str, indent: int) -> Iterator[str]:
    """A name, its value, and the meaning behind them, or below the value where a line has no room for it."""
    room = _width() - len(start) - 2
    if not meaning:
        yield start.rstrip()
        return
    if room >= len(meaning) or room >= _NARROWEST:
        first, *rest = wrap(meaning, room)
        yield f"{start}  {style(first, dim=True)}"
        indent = len(start) + 2
    else:
        yield start.rstrip()
        rest = wrap(meaning, max(_NARROWEST, _width() - indent))
    for line in rest:
        yield " " * indent + style(line, dim=True)


def _row(label: str, text: str) -> list[str]:
    start, indent = f"{label:<{_LABEL}}", " " * _LABEL
    return wrap(
        text,
        _width(),
        initial_indent=start,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _width() -> int:
    from shutil import get_terminal_size

    return max(40, min(get_terminal_size().columns, _WIDEST))
