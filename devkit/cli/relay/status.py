"""`devkit relay status`: shows what the engine keeps."""

from collections.abc import Iterable
from datetime import datetime

import click

from devkit.cli.output import echo, echo_json
from devkit.cli.relay.context import allow_plain_option, json_option, relay_context
from devkit.fixture.format import format_time
from devkit.relay.status import RelayStatus, relay_status
from devkit.session.relay import opened_engine
from devkit.webhook.masking import counted, one_line, printable

_SHOWN = 10  # members or receivers


@click.command(name="status")
@allow_plain_option
@json_option
def command(allow_plain: bool, as_json: bool) -> None:
    """Show what the engine keeps: since when, how many, whose, and which receivers took them."""
    context = relay_context()
    with opened_engine(context.settings, context.relay, allow_plain=allow_plain) as engine:
        status = relay_status(engine)
    if as_json:
        echo_json(_as_json(status))
    else:
        echo("\n".join(map(printable, _lines(status))))


def _as_json(status: RelayStatus) -> dict[str, object]:
    return {
        "event": "status",
        "kept_since": _json_time(status.kept_since),
        "newest": _json_time(status.newest),
        "count": status.count,
        "last_hour": status.lately,
        "owners": status.owners,
        "receivers": {name: format_time(seen) for name, seen in status.receivers.items()},
        "key_ids": status.key_ids,
    }


def _json_time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None


def _lines(status: RelayStatus) -> list[str]:
    if not (status.kept_since and status.newest):
        return ["The engine keeps nothing for this account."]
    rows = [
        ("kept", f"{counted(status.count, 'receipt')}, since {_local(status.kept_since)}"),
        ("newest", _local(status.newest)),
        ("last hour", f"{counted(status.lately, 'receipt')}, the newest one included"),
        ("of", _listed(f"{who or 'nobody'} {count:,}" for who, count in status.owners.items())),
        ("taken by", _listed(f"{name} at {_local(seen)}" for name, seen in status.receivers.items())),
        ("keys", _listed(key or "none" for key in status.key_ids)),
    ]
    return [f"{name:<10} {value}" for name, value in rows]


def _listed(texts: Iterable[str]) -> str:
    shown = [one_line(text, 60) for text in texts]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more


def _local(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
