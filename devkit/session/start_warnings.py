"""What a session warns of at its start: settings without effect or meaning, another project, private files in git."""

import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from devkit.errors import ConfigurationError
from devkit.fixture.git import tracked_files
from devkit.session.project import Project
from devkit.session.settings import Settings, project_directory, unknown_name_warning
from devkit.webhook.masking import counted


def start_warnings(settings: Settings, directory: Path, project: Project, *, demo: bool) -> Iterator[str]:
    """The warnings for a session in a directory, before it makes anything there. demo: as in `SessionOptions`."""
    yield from map(unknown_name_warning, settings.unknown_names)
    yield from _without_effect(settings, demo)
    yield from _other_project(directory)
    yield from _tracked_by_git(project)


def _without_effect(settings: Settings, demo: bool) -> Iterator[str]:
    if settings.offline or not settings.has_credentials:
        if settings.public_url:
            yield "--public-url (DEVKIT_PUBLIC_URL) has no effect offline: the simulator sends to the receiver itself."
        return
    if settings.public_url and settings.ngrok_url:
        yield "NGROK_URL has no effect with --public-url (DEVKIT_PUBLIC_URL): the tunnel is your own."
    if not demo:
        yield "--no-demo has no effect in a live session: only an offline one sends a demo message."


def _other_project(directory: Path) -> Iterator[str]:
    above = project_directory(directory)
    if above != directory:
        yield f"A new project begins in {directory}. That of {above} is not used: to use it, start devkit there."


def _tracked_by_git(project: Project) -> Iterator[str]:
    with suppress(ConfigurationError):
        if files := tracked_files(project.private):
            yield (
                f"git tracks {counted(len(files), 'file')} in {project.private}, where secrets are. "
                f"Take them out: git rm -r --cached {shlex.quote(str(project.private))}"
            )
