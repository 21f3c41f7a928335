"""`devkit init`: adds to a project what devkit needs: settings to fill in, lines for git, targets for make.

Overwrites nothing: missing files are created, and `.gitignore` gets lines at its end.
Follows no link out of the project.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from devkit.cli.output import echo
from devkit.errors import ConfigurationError
from devkit.fixture.store import Store
from devkit.session.settings import read_settings

PlacementOutcome = Literal["written", "already there", "unchanged"]
_Result = tuple[PlacementOutcome, str]  # the second: what to do next

PIECES = (".env.example", ".gitignore", "devkit.mk", "Makefile")

_PACKAGE = Path(__file__).parent
_INCLUDE = "include devkit.mk"
_SETTING = re.compile(r"^[ \t]*(?:#[ \t]*)?(?:export[ \t]+)?([A-Z][A-Z0-9_]*)[ \t]*=", re.MULTILINE)
_INCLUDED = re.compile(r"^[ \t]*[-s]?include[ \t].*\bdevkit\.mk\b", re.MULTILINE)
_RULE = re.compile(r"([^\s#:=][^#:=]*):(?!:*=)")
_CONTINUED = re.compile(r"\\\r?\n")
_TARGET = re.compile(r"^(?:\$\(DEVKIT_PREFIX\))?([a-z]+):", re.MULTILINE)
_GLOB = re.compile(r"[\\*?\[]")
# A line cannot hold a line break, and UTF-8 cannot hold every byte. For git, ? matches any single byte.
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\udc80-\udcff]")
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")  # make uses the first one that exists


@dataclass(frozen=True, slots=True)
class Placed:
    """The result for one file. advice: what to do next; empty when nothing is to be done."""

    file: str
    outcome: PlacementOutcome
    advice: str = ""


@click.command(name="init")
@click.option(
    "--print",
    "wanted",
    type=click.Choice(PIECES),
    metavar="FILE",
    help="Only print the content for a file.",
)
def command(wanted: str | None) -> None:
    """Put .env.example, lines for .gitignore and make targets into this directory. Overwrites nothing.

    Each file is written, already there, or unchanged; then the line says what to do by hand.
    """
    directory = Path.cwd()
    if wanted:
        # Only one piece depends on the settings: a broken `.env` can be compared with the example.
        click.echo(piece(wanted, _recorded(directory) if wanted == ".gitignore" else ""), nl=False)
        return
    for placed in scaffold(directory, _recorded(directory)):
        echo(f"{placed.outcome:<13} {placed.file:<12} {placed.advice}".rstrip())


def _recorded(directory: Path) -> str:
    """The directory of recordings as a line for .gitignore; empty when it is not below this one."""
    recorded = Store(read_settings(os.environ, directory).fixtures).recorded.resolve()
    if not recorded.is_relative_to(directory.resolve()):
        return ""
    return ignore_line(f"{recorded.relative_to(directory.resolve()).as_posix()}/")


def scaffold(directory: Path, recorded: str) -> Iterator[Placed]:
    """Create or extend the files; yield each result. Raises ConfigurationError when one cannot be read or written.

    recorded: the line that makes git ignore recordings, see `ignore_line`; empty when they are outside the project.
    """
    steps = (_env_example, _gitignore, _targets, _makefile)
    for name, step in zip(PIECES, steps, strict=True):
        path = _path(directory, name)
        if _is_outside_link(path):
            advice = f"it is a link out of the project: devkit init --print {name}"
            yield Placed(path.name, "unchanged", advice)
            continue
        try:
            outcome, advice = step(path, piece(name, recorded))
        except OSError as error:
            raise ConfigurationError(
                f"Cannot put {name} into {directory}: {error.strerror}.",
                hint=f"Print its content with: devkit init --print {name}",
            ) from error
        yield Placed(path.name, outcome, advice)


def ignore_line(name: str) -> str:
    """The line of a .gitignore that ignores exactly this path, with special characters escaped. name: with / in it."""
    escaped = _GLOB.sub(r"\\\g<0>", name)
    line = _UNWRITABLE.sub(lambda found: "?" * len(os.fsencode(found[0])), escaped)
    return f"\\{line}" if line[:1] in ("#", "!") else line


def piece(name: str, recorded: str, package: Path = _PACKAGE) -> str:
    """The content for a file, one of PIECES."""
    if name == ".gitignore":
        return "".join(f"{line}\n" for line in (".env", ".devkit/", recorded) if line)
    if name == "Makefile":
        return f"{_INCLUDE}\n"
    packed = package / "template" / name
    # In a checkout, .env.example is at the root only.
    path = packed if packed.is_file() else package.parent.parent / name
    return path.read_text(encoding="utf-8")


def _path(directory: Path, name: str) -> Path:
    """The path of a piece. A Makefile may have one of several names."""
    names = (*_MAKEFILES, name) if name == "Makefile" else (name,)
    return next((directory / each for each in names if os.path.lexists(directory / each)), directory / name)


def _is_outside_link(path: Path) -> bool:
    inside = Path(os.path.realpath(path.parent))
    return not Path(os.path.realpath(path)).is_relative_to(inside)


def _env_example(path: Path, text: str) -> _Result:
    if _create(path, text):
        return "written", "fill in what you have: cp .env.example .env"
    known = _SETTING.findall(_read(path))
    missing = [name for name in _SETTING.findall(text) if name not in known]
    if not missing:
        return "already there", ""
    some = ", ".join(missing[:2]) + (f" and {len(missing) - 2} more" if len(missing) > 2 else "")
    return "unchanged", f"it lacks {some}: devkit init --print .env.example"


def _gitignore(path: Path, text: str) -> _Result:
    if path.is_symlink():
        return "unchanged", "it is a link, which git does not read: devkit init --print .gitignore"
    present = _read(path) if path.exists() else ""
    lines = [line.rstrip() for line in present.split("\n")]
    missing = [line for line in text.splitlines() if not _ignores(lines, line)]
    if not missing:
        return "already there", ""
    end = "\r\n" if "\r\n" in present else "\n"
    gap = end if present and not present.endswith("\n") else ""
    with open(path, "ab", opener=_unlinked) as file:  # append: what is in it stays unchanged
        file.write((gap + "".join(f"{line}{end}" for line in missing)).encode("utf-8"))
    return "written", f"keeps out of git: {', '.join(missing)}"


def _unlinked(path: str, flags: int) -> int:
    return os.open(path, flags | _NOFOLLOW, 0o666)


def _ignores(lines: list[str], name: str) -> bool:
    about = [line for line in lines if line.lstrip("!").strip("/") == name.strip("/")]
    return bool(about) and not about[-1].startswith("!")  # the last matching line decides


def _targets(path: Path, text: str) -> _Result:
    if _create(path, text):
        return "written", "make devkit lists its targets"
    if _read(path).replace("\r\n", "\n") == text:
        return "already there", ""
    return "unchanged", "it differs from: devkit init --print devkit.mk"


def _makefile(path: Path, text: str) -> _Result:
    if _create(path, text):
        return "written", ""
    present = _read(path)
    if _INCLUDED.search(present):
        return "already there", ""
    if taken := _taken(present):
        why = f"as it has {', '.join(taken)} of its own"
        return "unchanged", f"add two lines, {why}: DEVKIT_PREFIX := dlr-, then {_INCLUDE}"
    return "unchanged", f"add at its end: {_INCLUDE}"


def _taken(makefile: str) -> list[str]:
    """The targets of devkit.mk that a Makefile defines itself."""
    ours = _TARGET.findall(piece("devkit.mk", ""))
    # Line by line: a pattern across line ends would read the rest of the file again from each line.
    rules = map(_RULE.match, _CONTINUED.sub(" ", makefile).splitlines())
    theirs = {name for rule in rules if rule for name in rule[1].split()}
    return [name for name in ours if name in theirs]


def _create(path: Path, text: str) -> bool:
    """Create a file; False when it exists, also as a broken link."""
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def _read(path: Path) -> str:
    # The file may have any encoding; only ASCII words are searched.
    return path.read_bytes().decode("utf-8", "replace").removeprefix("\ufeff")
