"""What a session warns of at its start: settings without effect or meaning, private files that git has."""

import shlex
from collections.abc import Iterator
from contextlib import suppress

from devkit.errors import ConfigurationError
from devkit.fixture.git import tracked_files
from devkit.session.platform import Demo
from devkit.session.project import Project
from devkit.session.settings import KNOWN_NAMES, Settings
from devkit.webhook.masking import counted


def start_warnings(
    settings: Settings, project: Project, *, demo: Demo | None, has_relay: bool = False
) -> Iterator[str]:
    """The warnings about a session before it starts. demo: as in `SessionOptions`."""
    for name in settings.unknown_names:
        yield ". ".join(unknown_setting(name))
    yield from _without_effect_with_relay(settings) if has_relay else _without_effect(settings, demo)
    yield from _tracked_by_git(project)


def unknown_setting(name: str) -> tuple[str, str]:
    """What to say about a name that begins as devkit's and means nothing, and what to do."""
    import difflib  # here: most people type them right

    ends = [known.removeprefix("DEVKIT_") for known in KNOWN_NAMES if known.startswith("DEVKIT_")]
    nearest = difflib.get_close_matches(name.removeprefix("DEVKIT_"), ends, n=1)
    hint = (
        f"Did you mean DEVKIT_{nearest[0]}?" if nearest else "All settings: devkit init --print .env.example"
    )
    return f"{name} is set, but devkit has no such setting", hint


def _without_effect(settings: Settings, demo: Demo | None) -> Iterator[str]:
    if settings.offline or not settings.has_credentials:
        if settings.public_url:
            yield "--public-url (DEVKIT_PUBLIC_URL) has no effect offline: the simulator sends to the receiver itself."
        if settings.tunnel != "auto":
            yield "--tunnel (DEVKIT_TUNNEL) has no effect offline: the simulator sends to the receiver itself."
        return
    if settings.public_url and settings.ngrok_url:
        yield "NGROK_URL has no effect with --public-url (DEVKIT_PUBLIC_URL): the tunnel is your own."
    elif settings.ngrok_url and settings.tunnel not in ("auto", "ngrok"):
        yield f"NGROK_URL has no effect with --tunnel {settings.tunnel} (DEVKIT_TUNNEL)."
    if demo != "sms":
        option = "--demo" if demo else "--no-demo"
        yield f"{option} has no effect in a live session: only an offline one sends a demo message."


def _without_effect_with_relay(settings: Settings) -> Iterator[str]:
    if settings.public_url:
        yield "--public-url (DEVKIT_PUBLIC_URL) has no effect with a relay, which has a URL of its own."
    if settings.tunnel != "auto":
        yield "--tunnel (DEVKIT_TUNNEL) has no effect with a relay, which has a URL of its own."


def _tracked_by_git(project: Project) -> Iterator[str]:
    with suppress(ConfigurationError):
        if files := tracked_files(project.private):
            yield (
                f"git tracks {counted(len(files), 'file')} in {project.private}, where secrets are. "
                f"Take them out: git rm -r --cached {shlex.quote(str(project.private))}"
            )
