"""What git tracks below a directory. The only place that runs git."""

import subprocess
from pathlib import Path

from devkit.errors import ConfigurationError

_TIMEOUT = 30  # seconds; git answers from its index, so this is for a hung file system


def tracked_files(directory: Path) -> frozenset[Path]:
    """The files below a directory that git tracks, as absolute paths; also those that were deleted since.

    None outside a repository. Raises ConfigurationError inside one when git is missing or will not say:
    then nobody knows.
    """
    wanted = directory.absolute()
    place = next(path for path in (wanted, *wanted.parents) if path.is_dir())
    if not _in_repository(place):
        return frozenset()
    command = ["git", "-C", str(place), "ls-files", "-z", "--", str(wanted.relative_to(place))]
    try:
        answer = subprocess.run(command, capture_output=True, check=True, timeout=_TIMEOUT)
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigurationError(
            f"Cannot ask git which files it tracks in {directory}.",
            hint=f"See what it says to: git -C {directory} ls-files",
        ) from error
    names = answer.stdout.decode("utf-8", "surrogateescape").split("\0")
    return frozenset(place / name for name in names if name)


def _in_repository(place: Path) -> bool:
    # A worktree and a submodule have a file of that name instead of a directory.
    return any((parent / ".git").exists() for parent in (place, *place.resolve().parents))
