"""The tools. Each does what a command does, with the same code. None sends anything to another machine."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from devkit.cli.mcp import results
from devkit.errors import ConfigurationError, UsageError
from devkit.fixture.explain import explain
from devkit.fixture.format import load
from devkit.fixture.listing import parse_duration, read_entries
from devkit.fixture.response_log import ResponseReader, recording_key
from devkit.fixture.select import find_entries, sample_files, select
from devkit.fixture.send_log import read_sends
from devkit.fixture.store import Store
from devkit.http.address import Address, parse_address
from devkit.http.local_access import is_local_name
from devkit.replay.result import parse_expectation
from devkit.replay.schedule import Order, ReplayOptions, arrange, load_recordings
from devkit.replay.send import Rules, replay
from devkit.replay.transform import (
    Changes,
    ReplayRoute,
    change_recordings,
    new_nonce,
    signer_with,
    transformer,
)
from devkit.replay.trigger import Triggered, new_origin, notices_about, parse_with_code, send_new
from devkit.session.project import (
    Project,
    is_followed,
    is_recording,
    local_code_url,
    new_receipt_url,
    private_values,
    project_in,
)
from devkit.session.settings import Settings, read_settings
from devkit.session.signals import Shutdown
from devkit.session.wait import find_message, wait_for_receipts
from devkit.webhook.callback import Transport
from devkit.webhook.receipt import read, webhook_in
from devkit.webhook.signature import Method

MAX_LISTED = 100
MAX_SHOWN = 5
MAX_SENT = 100
MAX_SAMPLES = 200
MAX_WAIT = 300  # seconds

Until = Literal[
    "final",
    "any",
    "accepted",
    "buffered",
    "delivered",
    "expired",
    "failed",
    "rejected",
    "unknown",
    "submitted",
    "read",
    "undeliverable",
]


@dataclass(frozen=True, slots=True)
class ToolContext:
    """Where a tool works. directory: of the project. stop: requested when nobody waits for the tool any more."""

    environ: Mapping[str, str]
    directory: Path
    stop: Shutdown

    def settings(self) -> Settings:
        """The settings in force. Raises ConfigurationError."""
        return read_settings(self.environ, self.directory)

    @property
    def project(self) -> Project:
        return project_in(self.directory)

    def secrets(self) -> list[str]:
        """What no result may hold. Creates nothing."""
        project = self.project
        found: list[str] = []
        with suppress(ConfigurationError):
            settings = self.settings()
            if settings.callback_token is None and not project.token_file.exists():
                settings = replace(settings, callback_token="")
            found += private_values(settings, project).values()
        session = project.session()
        return [*found, session.api_secret] if session else found


Selector = Annotated[
    str,
    Field(
        description="A file or an id as another tool names it, `latest`, `latest:3`, or the name of a sample. "
        "The beginning or the end of a message id is enough."
    ),
]
LocalTarget = Annotated[
    str,
    Field(description="A URL of this machine: 127.0.0.1:5000/webhooks/dlr. Empty: the default."),
]
SetFields = Annotated[dict[str, str] | None, Field(description="Values of fields, by Vonage's names.")]
UnsetFields = Annotated[tuple[str, ...], Field(description="Fields to leave out.")]
Timeout = Annotated[float, Field(gt=0, le=60, description="Seconds to wait for each response.")]


def list_receipts(
    context: ToolContext,
    status: Annotated[tuple[str, ...], Field(description="Only these; `unparsed`: what is no receipt.")] = (),
    message: Annotated[str, Field(description="Only this message: its id, or its beginning or end.")] = "",
    since: Annotated[str, Field(description="Only the last 90s, 10m, 36h, 30d, ...")] = "",
    limit: Annotated[int, Field(ge=1, le=MAX_LISTED, description="The newest ones only.")] = 20,
) -> results.ReceiptList:
    """List the recorded delivery receipts, newest last."""
    store = Store(context.settings().fixtures)
    start = _now() - parse_duration(since) if since else None
    newest_first = find_entries(store, status=status, message=message, since=start)
    entries = list(islice(newest_first, limit))[::-1]
    receipts = [results.row(listed) for listed in read_entries(entries)]
    return results.ReceiptList(receipts=receipts, has_older=next(newest_first, None) is not None)


def show_receipt(context: ToolContext, selector: Selector) -> results.ExplainedReceipts:
    """Explain a receipt or a sample: its fields, its status and err-code, what to do, and what is easy to misread.

    Names what the application responded to it, if a session forwards receipts.
    """
    settings = context.settings()
    paths = select(Store(settings.fixtures), [selector])
    secret, method = settings.signature_secret, settings.signature_method
    chosen = paths[:MAX_SHOWN]
    log = ResponseReader(context.project.private, frozenset(map(recording_key, chosen))).poll()
    shown = [
        results.explained(path, explain(load(path), secret=secret, method=method), log) for path in chosen
    ]
    return results.ExplainedReceipts(receipts=shown, left_out=len(paths) - len(shown))


def list_samples(
    context: ToolContext, containing: Annotated[str, Field(description="Only names with this text.")] = ""
) -> results.SampleList:
    """List devkit's samples: a receipt of each status, err-code, transport and signature, malformed ones, sequences.

    Their names are selectors for show_receipt and replay_receipts; so is the directory of a sequence.
    """
    files = sample_files(Store(context.settings().fixtures))
    samples = [results.sample(name, load(path)) for name, path in files.items() if containing in name]
    return results.SampleList(samples=samples[:MAX_SAMPLES], left_out=len(samples[MAX_SAMPLES:]))


def wait_for_message(
    context: ToolContext,
    ids: Annotated[
        tuple[str, ...],
        Field(
            description="Message ids, one for each part, or their beginnings or ends. Empty: the newest message."
        ),
    ] = (),
    until: Annotated[Until, Field(description="A final status, any receipt, or this status.")] = "final",
    timeout: Annotated[
        float, Field(ge=0, le=MAX_WAIT, description="Seconds. 0 only looks at what is recorded.")
    ] = 30,
) -> results.WaitResult:
    """Wait until the receipts of a message say how it ended; those that are recorded already count.

    After a timeout it can be called again. New receipts need a session: devkit dev.
    """
    store = Store(context.settings().fixtures)
    session_runs = partial(is_recording, context.project)
    message = find_message(
        store,
        ids,
        until,
        _now(),
        read_sends=partial(read_sends, context.project.private),
        session_runs=session_runs(),
        is_followed=is_followed(context.project),
    )
    events = wait_for_receipts(message, store, context.stop, session_runs=session_runs, timeout=timeout)
    return results.waited(list(events))


def trigger_receipt(
    context: ToolContext,
    status: Annotated[str, Field(description="delivered, messages:rejected, inbound, ... or any other.")],
    err_code: Annotated[str, Field(description="A number or a name: handset-busy. Empty: as fits.")] = "",
    transport: Transport = "get",
    set_fields: SetFields = None,
    unset_fields: UnsetFields = (),
    sign: Annotated[Method | None, Field(description="Sign with VONAGE_SIGNATURE_SECRET.")] = None,
    to: LocalTarget = "",
    timeout: Timeout = 15,
) -> results.TriggerResult:
    """Send a new receipt, status or inbound message to this machine, as Vonage would. No SMS is sent.

    By default it goes to the running session, which records and forwards it; else to where local code listens.
    """
    settings = context.settings()
    receipt = parse_with_code(status, err_code, set_fields, unset_fields)
    signer = signer_with(settings.signature_secret, sign) if sign else None
    account, application = settings.api_key, settings.application_id
    origin = new_origin(_now(), signer, api_key=account, application_id=application)
    callback = receipt.callback(origin, transport)
    webhook = webhook_in(read(callback))
    # As the command: a session records it, as one of Vonage's, and forwards it.
    session = context.project.session()
    address = _local_address(to or new_receipt_url(session, settings))
    sent = send_new(callback, address, timeout)
    return results.triggered(Triggered.of(sent, webhook.kind), notices_about(webhook))


def replay_receipts(
    context: ToolContext,
    selectors: Annotated[
        tuple[str, ...], Field(min_length=1, description="As the selector of show_receipt.")
    ],
    to: LocalTarget = "",
    order: Order = "recorded",
    seed: Annotated[int, Field(description="Of the order `shuffle`: the same seed, the same order.")] = 0,
    duplicate: Annotated[int, Field(ge=1, le=10, description="Send each this often in a row.")] = 1,
    transport: Annotated[Transport | None, Field(description="Another one than the recorded one.")] = None,
    set_fields: SetFields = None,
    unset_fields: UnsetFields = (),
    now: Annotated[bool, Field(description="Renew the times.")] = False,
    resign: Annotated[bool, Field(description="Renew the signature.")] = False,
    expect: Annotated[
        str, Field(description="The HTTP status that is a success: 2xx, 204 or 200,4xx.")
    ] = "2xx",
    timeout: Timeout = 15,
) -> results.ReplayResult:
    """Send recorded receipts or samples to this machine again, byte for byte, one after the other.

    By default they go to what the running session forwards to, else to where local code listens.
    """
    settings = context.settings()
    session = context.project.session()
    address = _local_address(to or local_code_url(session, settings))
    route = ReplayRoute(address, receiver=parse_address(session.local_url) if session else None)
    paths = select(Store(settings.fixtures), selectors)
    if (count := len(paths) * duplicate) > MAX_SENT:
        raise UsageError(
            f"{count} receipts are too many for one call.",
            hint=f"Name at most {MAX_SENT}, as with latest:{MAX_SENT}; or type in a terminal: devkit replay",
        )
    changes = Changes(transport, tuple((set_fields or {}).items()), unset_fields, now=now, resign=resign)
    options = ReplayOptions(order=order, seed=seed, duplicate=duplicate)
    scheduled = arrange(change_recordings(load_recordings(paths), changes), options)
    secret, method = settings.signature_secret, settings.signature_method
    signer = signer_with(secret, method, settings.api_key) if resign else None
    transform = transformer(changes, route, signer, clock=_now, nonce=new_nonce)
    rules = Rules(parse_expectation(expect), timeout, renewed=now and resign, fresh=now or resign)
    sent = []
    for result in replay(scheduled, address, transform, rules):
        sent.append(result)
        if context.stop():
            break
    return results.replayed(sent, not_sent=len(scheduled) - len(sent))


def doctor(context: ToolContext) -> results.Diagnosis:
    """Check this machine's part of a receipt's path: settings, session, receiver, simulator, disk, journal.

    Uses no network: `devkit doctor` in a terminal also checks Vonage and the tunnel.
    """
    # Here: it imports the SDK of Vonage and the simulator.
    from devkit.doctor.check import skipped
    from devkit.doctor.run_checks import open_context, run_checks, summarize

    doctor_context, checks = open_context(context.environ, context.directory, context.stop, _now)
    checks += run_checks(doctor_context, network=False)
    network = skipped("network", "Vonage and the tunnel are not checked here", "devkit doctor")
    return results.Diagnosis(checks=[*checks, network], summary=summarize(checks, doctor_context).summary)


def _local_address(url: str) -> Address:
    """The address in a URL of this machine. Raises UsageError for any other; no name is looked up."""
    address = parse_address(url)
    if is_local_name(address.host):
        return address
    raise UsageError(
        f"{address} is not this machine.",
        hint="Name a server on 127.0.0.1 or localhost, with its port and path.",
    )


def _now() -> datetime:
    return datetime.now(UTC)
