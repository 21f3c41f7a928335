"""What the commands of the relay share: their options, and the settings of the project."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from devkit.relay.settings import RelaySettings, relay_settings
from devkit.session.project import Project, project_in
from devkit.session.settings import Settings, project_directory, read_settings

F = TypeVar("F", bound=Callable[..., Any])

allow_plain_option = click.option(
    "--allow-plain",
    is_flag=True,
    help="Connect without TLS to an engine on another machine, in a private network.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON lines.")


@dataclass(frozen=True, slots=True)
class RelayContext:
    """The project where a command was typed, and its settings."""

    project: Project
    settings: Settings
    relay: RelaySettings


def relay_context() -> RelayContext:
    """Read the settings. Raises ConfigurationError."""
    directory = project_directory(Path.cwd())
    settings = read_settings(os.environ, directory)
    return RelayContext(project_in(directory), settings, relay_settings(settings.relay, os.environ))
