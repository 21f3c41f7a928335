"""`devkit replay`: sends recorded receipts to local code again."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from devkit.cli import completes
from devkit.cli.output import notice
from devkit.cli.params import (
    MORE_THAN_0,
    NumberRange,
    TransportChoice,
    set_option,
    timeout_option,
    to_option,
    unset_option,
)
from devkit.cli.result_lines import pause, print_plan, print_results
from devkit.errors import UsageError
from devkit.fixture.select import select
from devkit.fixture.store import Store
from devkit.http.address import parse_address, parse_header, parse_path
from devkit.replay.result import Expectation, parse_expectation
from devkit.replay.schedule import (
    AT_ONCE,
    ORDERS,
    Order,
    ReplayOptions,
    arrange,
    load_recordings,
    parse_speed,
    plan,
)
from devkit.replay.send import Observe, Rules, replay
from devkit.replay.transform import (
    Changes,
    ReplayRoute,
    change_recordings,
    check_secrecy,
    new_nonce,
    signer_with,
    transformer,
)
from devkit.session.project import Project, Session, local_code_url, project_in
from devkit.session.settings import Settings, project_directory, read_settings
from devkit.webhook.callback import Transport
from devkit.webhook.signature import Signer

_FROM_1 = click.IntRange(1)


@click.command(name="replay")
@click.argument("selectors", nargs=-1, metavar="SELECTOR...", shell_complete=completes("selector"))
@click.option(
    "--missed",
    is_flag=True,
    help="Send what sessions could not forward, or your application has not answered with 2xx since. "
    "Without --to: to where it was forwarded.",
)
@to_option("what the session forwards to, else its receiver")
@click.option(
    "--path",
    type=parse_path,
    default=None,
    metavar="PATH",
    help="The path to send to.  [that of --to, else the recorded one without its secret segment]",
)
@click.option("--allow-remote", is_flag=True, help="Send to another machine: receipts hold phone numbers.")
@click.option(
    "--speed",
    type=parse_speed,
    default="max",
    metavar="SPEED",
    show_default=True,
    help="1x keeps the recorded gaps, 10x is ten times faster, max has no gaps.",
)
@click.option("--max-wait", type=NumberRange(0), metavar="SECONDS", help="The longest gap.")
@click.option("--rate", type=MORE_THAN_0, metavar="N", help="At most N receipts a second, on average.")
@click.option(
    "--order", type=click.Choice(ORDERS), default="recorded", show_default=True, help="The order to send in."
)
@click.option("--seed", type=int, metavar="N", help="Repeat the order of another shuffle.")
@click.option(
    "--duplicate",
    type=_FROM_1,
    default=1,
    metavar="N",
    show_default=True,
    help="Send each receipt N times in a row.",
)
@click.option(
    "--repeat", type=_FROM_1, default=1, metavar="N", show_default=True, help="Send all receipts N times."
)
@click.option(
    "--as", "transport", type=TransportChoice(), help=f"Send in another transport. {TransportChoice.help}"
)
@set_option
@unset_option
@click.option(
    "-H",
    "headers",
    type=parse_header,
    multiple=True,
    metavar="'NAME: VALUE'",
    help="Set a header; 'NAME:' removes it.",
)
@click.option("--now", is_flag=True, help="Renew message-timestamp, timestamp and nonce.")
@click.option("--resign", is_flag=True, help="Sign again with VONAGE_SIGNATURE_SECRET and _METHOD.")
@click.option(
    "--exact",
    is_flag=True,
    help="Send the request as recorded, with Host, hop-by-hop headers and the secret path segment. Only "
    "Content-Length is set to fit the body, and replaces Transfer-Encoding.",
)
@click.option(
    "--expect",
    type=parse_expectation,
    default="2xx",
    metavar="STATUS",
    show_default=True,
    help="The statuses that are ok.",
)
@timeout_option
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=1,
    metavar="N",
    show_default=True,
    help="The number of connections. With more than one, only the receipts of one message keep their order.",
)
@click.option("--fail-fast", is_flag=True, help="Stop after the first failure.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be sent, and send nothing.")
@click.option("-v", "--verbose", is_flag=True, help="Show the file of each receipt.")
@click.option("-q", "--quiet", is_flag=True, help="Show only what is not ok, and the summary.")
@click.option("--json", "as_json", is_flag=True, help="Print results as JSON lines.")
@click.pass_context
def command(
    ctx: click.Context,
    selectors: tuple[str, ...],
    missed: bool,
    to: str,
    path: str | None,
    allow_remote: bool,
    speed: float,
    max_wait: float | None,
    rate: float | None,
    order: Order,
    seed: int | None,
    duplicate: int,
    repeat: int,
    transport: Transport | None,
    sets: tuple[tuple[str, str], ...],
    unsets: tuple[str, ...],
    headers: tuple[tuple[str, str | None], ...],
    now: bool,
    resign: bool,
    exact: bool,
    expect: Expectation,
    timeout: float,
    jobs: int,
    fail_fast: bool,
    dry_run: bool,
    verbose: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Send recorded receipts to local code again, byte for byte.

    SELECTOR is a file, a directory, a pattern, `latest`, `latest:N`, the name of a sample, or an id as any output shows
    it; --missed needs none. By default only these change: Host, Content-Length, hop-by-hop headers and the path (see
    --path). X-Devkit-Replay is added.

    Exit code: 0 all ok, 1 some failed, 2 usage, 3 configuration or fixture, 4 target unreachable.
    """
    directory = project_directory(Path.cwd())
    settings = read_settings(os.environ, directory)
    project = project_in(directory)
    session = project.session()
    store = Store(settings.fixtures)
    if seed is not None and order != "shuffle":
        notice("--seed has no effect without --order shuffle")
    if max_wait is not None and speed == AT_ONCE:
        notice("--max-wait has no effect at --speed max, which has no gaps")
    if missed == bool(selectors):
        raise UsageError(
            "A replay sends either what SELECTOR names or what was --missed.",
            hint="Type: devkit replay latest, or: devkit replay --missed",
        )
    if missed:
        paths, missed_by = _missed_receipts(project, store)
        to = to or (session.forward_url if session else "") or missed_by
    else:
        paths = select(store, selectors)
    url = to or local_code_url(session, settings)
    address = parse_address(url, allow_remote=allow_remote, allow_private=settings.forward_private)
    route = ReplayRoute(address, path or "", exact, parse_address(session.local_url) if session else None)
    recordings = load_recordings(paths)
    check_secrecy(recordings, route)
    changes = Changes(transport, sets, unsets, now, resign, headers)
    schedule = ReplayOptions(order, _seed(seed, order), duplicate, repeat, speed, max_wait, rate)
    scheduled = arrange(change_recordings(recordings, changes), schedule)
    transform = transformer(
        changes, route, _signer(settings) if resign else None, clock=_now, nonce=new_nonce
    )
    if dry_run:
        print_plan(plan(scheduled, transform), as_json=as_json, verbose=verbose)
        return
    observe = _observer(route, project, session, missed) if scheduled else None
    rules = Rules(expect, timeout, jobs, fail_fast, renewed=now and resign, fresh=now or resign)
    results = replay(scheduled, address, transform, rules, observe=observe, sleep=pause)
    ctx.exit(print_results(results, len(scheduled), as_json=as_json, verbose=verbose, quiet=quiet))


def _missed_receipts(project: Project, store: Store) -> tuple[Sequence[Path], str]:
    """The recordings of what was missed, and the URL that the newest was to be forwarded to; empty without any."""
    from devkit.replay.missed import missed_receipts  # most replays do not need it

    receipts = missed_receipts(project.private, store)
    if receipts.deleted:
        notice(f"missed and deleted since: {receipts.deleted}")
    if not receipts.paths:
        notice("nothing was missed: the application has accepted all that was forwarded")
    return receipts.paths, receipts.to


def _seed(seed: int | None, order: Order) -> int:
    if seed is None and order == "shuffle":
        import secrets  # takes long to import

        seed = secrets.randbelow(1_000_000)
        notice(f"shuffled; repeat this order with --seed {seed}")
    return seed or 0


def _signer(settings: Settings) -> Signer:
    return signer_with(settings.signature_secret, settings.signature_method, settings.api_key)


def _observer(route: ReplayRoute, project: Project, session: Session | None, missed: bool) -> Observe | None:
    """Keeps the responses of the application: what it accepts is not missed any more. None for other targets."""
    url = f"{route.address}{route.path}" if route.path else route.address.url
    if not missed and not (session and session.forward_url == url):
        return None
    if route.is_to_receiver:
        raise UsageError(
            f"What was missed is for your application, and {route.address} is devkit's own receiver.",
            hint="Name your application: devkit replay --missed --to http://127.0.0.1:5000/your/path",
        )
    from devkit.replay.missed import log_responses

    return log_responses(project.private, url, _now)


def _now() -> datetime:
    return datetime.now(UTC)
