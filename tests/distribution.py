"""Builds what is published, without a network, from a copy of the checkout in which private files lie about."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parents[1]

# Files that a checkout may well hold, and that nobody must ever publish.
PRIVATE = (
    ".env",
    ".devkit/registration.json",
    "fixtures/recorded/2026-11-23/120000.000000Z-delivered-0A01-000000.json",
    "devkit/.env",
    "devkit/__pycache__/left.cpython-311.pyc",
    "examples/delivery_status/.env",
    "examples/delivery_status/messages.sqlite",
)
_NOT_COPIED = (
    ".git",
    ".venv",
    ".devkit",
    "recorded",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
    "dist",
    "build",
)


def copy_checkout(directory: Path) -> Path:
    """A copy of the checkout, with private files planted in it."""
    copy = directory / "checkout"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    for name in PRIVATE:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("private")
    return copy


def build(source: Path, kind: Literal["wheel", "sdist"], directory: Path) -> Path:
    """The wheel or sdist of a source tree. The build backend is that of this environment."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(directory)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=120)
    (built,) = directory.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


def unpack(wheel: Path, directory: Path) -> Path:
    """What an installer does with a pure Python wheel, but for the scripts."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory)
    return directory


def contents(distribution: Path) -> set[str]:
    """The files in a wheel or an sdist, from its top."""
    if distribution.suffix == ".whl":
        with zipfile.ZipFile(distribution) as wheel:
            return {name for name in wheel.namelist() if not name.endswith("/")}
    with tarfile.open(distribution) as sdist:
        return {member.name.partition("/")[2] for member in sdist.getmembers() if member.isfile()}
