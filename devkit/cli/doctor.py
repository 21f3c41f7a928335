"""`devkit doctor`: says what is wrong and what to type."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from devkit.cli.output import echo_event, style, typed_here
from devkit.cli.params import wait_limit_option
from devkit.doctor.check import Check, Context
from devkit.doctor.run_checks import DoctorSummary, open_context, run_checks, summarize
from devkit.doctor.wait_for_receipt import Heartbeat, NoReceiptReason, wait_for_receipt
from devkit.errors import UsageError
from devkit.events import Event
from devkit.session.settings import project_directory
from devkit.session.signals import stop_on_signals
from devkit.webhook.masking import printable

_COLORS = {"ok": "green", "failed": "red", "skipped": "bright_black"}
_LABEL, _OUTCOME = 12, 8  # columns

Show = Callable[[Event], None]


@click.command(name="doctor")
@click.option("--wait", is_flag=True, help="Say why no receipt may arrive, and wait for one.")
@wait_limit_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON line for each step.")
@click.pass_context
def command(ctx: click.Context, wait: bool, timeout: float | None, as_json: bool) -> None:
    """Check the whole path of a receipt, step by step, and say what is wrong and what to type.

    Changes nothing in the account, and ends what it starts. Exit code: 0 everything OK, 1 a step failed. With --wait:
    0 when a receipt arrived, 1 when none arrived in time; after Ctrl-C, as without --wait.
    """
    if timeout is not None and not wait:
        raise UsageError("--timeout is for --wait.", hint="devkit doctor --wait --timeout 60")

    def show(event: Event) -> None:
        echo_event(event, _text(event), as_json=as_json)

    with stop_on_signals() as stop:
        context, checks = open_context(
            os.environ, project_directory(Path.cwd()), stop, lambda: datetime.now(UTC)
        )
        for check in checks:
            show(check)
        for check in run_checks(context):
            checks.append(check)
            show(check)
        summary = summarize(checks, context)
        show(summary)
        arrived = _wait(context, show, timeout) if wait else None
    ctx.exit(0 if arrived else 1 if summary.failed or arrived is False else 0)


def _wait(context: Context, show: Show, timeout: float | None) -> bool | None:
    """Whether a receipt arrived; None when the user stopped the wait."""
    show(NoReceiptReason())
    last: Event | None = None
    for last in wait_for_receipt(context, timeout=timeout):
        show(last)
    if isinstance(last, Check) and last.step == "receipt":
        return last.outcome == "ok"
    return None


def _text(event: Event) -> str:
    if isinstance(event, Check):
        outcome = style(f"{event.outcome:<{_OUTCOME}}", fg=_COLORS[event.outcome])
        line = f"{outcome} {event.step:<{_LABEL}} {printable(event.what)}"
        arrow = f"{'':<{_OUTCOME}} {'':<{_LABEL}} {style('->', fg='cyan')}"
        return f"{line}\n{arrow} {printable(typed_here(event.hint))}" if event.hint else line
    if isinstance(event, DoctorSummary):
        return f"\n{style(typed_here(event.summary), bold=True)}"
    if isinstance(event, NoReceiptReason):
        reasons = "\n".join(f"  * {reason}" for reason in event.reasons)
        head = "Why no receipt may arrive although everything is OK:"
        return f"\n{head}\n{reasons}\n\nWaiting for a receipt; Ctrl-C ends it."
    assert isinstance(event, Heartbeat)
    state = f"failed: {', '.join(event.failed)}" if event.failed else "reachable"
    return f"{'waiting':<{_OUTCOME}} {f'{event.waited} s':<{_LABEL}} {state}"
