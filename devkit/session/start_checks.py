"""What a session refuses, and warns of, at its start: settings that contradict each other, or have no effect."""

import shlex
from collections.abc import Iterator
from contextlib import suppress

from devkit.errors import ConfigurationError
from devkit.fixture.git import tracked_files
from devkit.session.platform import Demo
from devkit.session.project import Project
from devkit.session.settings import KNOWN_NAMES, Settings
from devkit.webhook.callback import MAX_CALLBACK
from devkit.webhook.masking import counted

NO_MEMBER_CALLBACK = (
    "DEVKIT_RELAY_CALLBACK is not set, so your messages are yours by their client-ref only. "
    "Ask your team for your callback URL: devkit relay member NAME"
)


def refuse_unusable(settings: Settings, *, require_signature: bool) -> None:
    """Raise ConfigurationError for settings that no session can have together."""
    if require_signature and not settings.signature_secret:
        raise ConfigurationError(
            "--require-signature needs a secret to check signatures with.",
            hint="Set VONAGE_SIGNATURE_SECRET in .env, or leave the option out.",
        )
    if settings.port == settings.inspector_port != 0:
        raise ConfigurationError(
            f"The receiver and the inspector cannot both have port {settings.port}.",
            hint="Choose another one with --port or --inspector-port.",
        )


def start_warnings(
    settings: Settings, project: Project, *, demo: Demo | None, has_relay: bool = False
) -> Iterator[str]:
    """The warnings about a session before it starts. demo: as in `SessionOptions`."""
    for name in settings.unknown_names:
        yield ". ".join(unknown_setting(name))
    yield from _without_effect(settings, demo, has_relay=has_relay)
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


def _without_effect(settings: Settings, demo: Demo | None, *, has_relay: bool) -> Iterator[str]:
    if has_relay or settings.is_offline:
        why = (
            "with a relay, which has a URL of its own"
            if has_relay
            else "offline: the simulator sends to the receiver itself"
        )
        if settings.public_url:
            yield f"--public-url (DEVKIT_PUBLIC_URL) has no effect {why}."
        if settings.tunnel != "auto":
            yield f"--tunnel (DEVKIT_TUNNEL) has no effect {why}."
        return
    if settings.public_url and settings.ngrok_url:
        yield "NGROK_URL has no effect with --public-url (DEVKIT_PUBLIC_URL): the tunnel is your own."
    elif settings.ngrok_url and settings.tunnel not in ("auto", "ngrok"):
        yield f"NGROK_URL has no effect with --tunnel {settings.tunnel} (DEVKIT_TUNNEL)."
    if demo != "sms":
        option = "--demo" if demo else "--no-demo"
        yield f"{option} has no effect in a live session: only an offline one sends a demo message."


def _tracked_by_git(project: Project) -> Iterator[str]:
    with suppress(ConfigurationError):
        if files := tracked_files(project.private):
            yield (
                f"git tracks {counted(len(files), 'file')} in {project.private}, where secrets are. "
                f"Take them out: git rm -r --cached {shlex.quote(str(project.private))}"
            )


def long_callback_warning(callback_url: str, *, register: bool) -> str:
    """The warning about a callback URL that a message cannot name."""
    gets = "The account's own callback leads here." if register else "So no receipt comes here by itself."
    return (
        f"The callback URL has {len(callback_url)} characters, and a message of the SMS API can name one of "
        f"{MAX_CALLBACK}. {gets}"
    )
