"""Builds the wheel and the sdist, without a network, from a copy of the checkout that holds private files."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parents[2]

# Files that a checkout may hold and that must never be published.
PRIVATE = (
    ".env",
    ".devkit/registration.json",
    "fixtures/recorded/2026-11-23/120000.000000Z-delivered-0A01-000000.json",
    "devkit/.env",
    "devkit/__pycache__/left.cpython-311.pyc",
    "examples/delivery_status/.env",
    "examples/delivery_status/messages.sqlite",
    "examples/delivery_status/.devkit/callback-token",
    "examples/delivery_status/fixtures/recorded/2026-11-23/120000.000000Z-delivered-0A02-000000.json",
    "devkit/.devkit/redaction-key",
    "devkit/fixtures/recorded/2026-11-23/120000.000000Z-delivered-0A03-000000.json",
    "devkit/fixture/recorded/2026-11-23/120000.000000Z-delivered-0A04-000000.json",
    "docs/.env",
    "fixtures/samples/.env",
    "fixtures/samples/.devkit/registration.json",
    "fixtures/samples/recorded/2026-11-23/120000.000000Z-delivered-0A05-000000.json",
    "fixtures/samples/sequence/messages.sqlite",
    "tests/fixtures/recorded/2026-11-23/120000.000000Z-delivered-0A06-000000.json",
    "tests/dlr/recorded/2026-11-23/120000.000000Z-delivered-0A07-000000.json",
)
_MARK = "private: never publish this"
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
        (copy / name).write_text(_MARK)
    return copy


def build(source: Path, kind: Literal["wheel", "sdist"], directory: Path) -> Path:
    """The wheel or sdist of a source tree. The build backend is that of this environment."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(directory)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=120)
    (built,) = directory.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


def unpack(wheel: Path, directory: Path) -> Path:
    """Do what an installer does with a pure Python wheel, without its scripts."""
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


def private_files(distribution: Path) -> set[str]:
    """The files in a wheel or an sdist that hold the planted text, whatever their names are."""
    if distribution.suffix == ".whl":
        with zipfile.ZipFile(distribution) as wheel:
            return {name for name in wheel.namelist() if wheel.read(name) == _MARK.encode()}
    with tarfile.open(distribution) as sdist:
        files = {member.name: sdist.extractfile(member) for member in sdist.getmembers()}
        return {name for name, file in files.items() if file and file.read() == _MARK.encode()}


def install(place: Path, *what: str) -> Path:
    """Install a wheel or a checkout into a new virtual environment, without a network; its directory of programs.

    What it depends on is that of this environment.
    """
    venv.create(place, with_pip=False, symlinks=os.name != "nt")
    paths = sysconfig.get_paths(
        "venv", vars={"base": str(place), "platbase": str(place), "installed_base": str(place)}
    )
    programs = Path(paths["scripts"])
    # At the end of the path, so that a devkit in this environment is not found first.
    (Path(paths["purelib"]) / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(programs / "python")]
    subprocess.run(
        [*pip, "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", *what],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return programs
