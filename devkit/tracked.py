"""What git tracks below a directory. The only place that runs git."""

import os
import subprocess
from pathlib import Path

from devkit.errors import ConfigurationError

_TIMEOUT = 30  # seconds; git answers from its index, so this is for a hung file system

# A repository's own settings can name programs: nothing of what is asked here needs one.
_GIT = (
    "git",
    "--no-pager",
    "--literal-pathspecs",  # a directory's name is no pattern
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
)
# An index may name objects that a remote holds: git would start a program of the repository's choice to get them.
_NO_TRANSPORT = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}


def tracked_files(directory: Path) -> frozenset[Path]:
    """The files below a directory that git tracks, as absolute paths; also those that were deleted since.

    None outside a repository. Raises ConfigurationError inside one when git is missing or will not say:
    then nobody knows.
    """
    wanted = directory.absolute()
    place = next(path for path in (wanted, *wanted.parents) if path.is_dir())
    if not _in_repository(place):
        return frozenset()
    command = [*_GIT, "-C", str(place), "ls-files", "-z", "--", str(wanted.relative_to(place))]
    try:
        answer = subprocess.run(
            command,
            env=_environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_TIMEOUT,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigurationError(
            f"Cannot ask git which files it tracks in {directory}.",
            hint=f"See what it says to: git -C {directory} ls-files",
        ) from error
    names = answer.stdout.decode("utf-8", "surrogateescape").split("\0")
    return frozenset(place / name for name in names if name)


def _environ() -> dict[str, str]:
    """This process's environment without its GIT_ variables, which can name another repository, index or program."""
    own = {name: value for name, value in os.environ.items() if not name.upper().startswith("GIT_")}
    return own | _NO_TRANSPORT


def _in_repository(place: Path) -> bool:
    # A worktree and a submodule have a file of that name instead of a directory.
    return any((parent / ".git").exists() for parent in (place, *place.resolve().parents))
