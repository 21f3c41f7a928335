"""Hints in the words of this directory: `make dev` where its Makefile runs devkit, which need not be on PATH there."""

import re
from pathlib import Path

from devkit.durable.regular_file import read_regular_file

_FILES = ("GNUmakefile", "makefile", "Makefile")  # in the order of make
_LARGEST = 256 * 1024  # bytes
_TARGET = re.compile(r"^dev:.*\n(?:\t.*\n)*?\t.*devkit dev", re.MULTILINE)
_COMMAND = re.compile(r"\bdevkit dev\b( --offline\b)?(?! ?-)")


def with_make(text: str, directory: Path | None = None) -> str:
    """The text with `make dev` for `devkit dev`, if the Makefile has that target. directory: None for the current one.

    Other options stay in the words of devkit.
    """
    if "devkit dev" not in text or not _has_target(directory or Path()):
        return text
    return _COMMAND.sub(lambda found: "make dev OFFLINE=1" if found[1] else "make dev", text)


def _has_target(directory: Path) -> bool:
    for name in _FILES:
        try:
            makefile = read_regular_file(directory / name, _LARGEST).decode("utf-8", "replace")
        except FileNotFoundError:
            continue
        except OSError:
            return False
        return _TARGET.search(makefile) is not None
    return False
