"""The wheel and the sdist are complete, hold nothing private, and work when they are installed."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Literal

import pytest
from click.testing import CliRunner

from devkit import __version__
from devkit.cli import COMMANDS, cli
from devkit.cli.init import piece
from devkit.cli.relay import COMMANDS as RELAY_COMMANDS
from docs.make_messages import messages
from tests.support.distribution import PRIVATE, ROOT, build, contents, private_files, unpack

pytestmark = pytest.mark.program

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SAMPLES = {path.relative_to(ROOT / "fixtures/samples") for path in (ROOT / "fixtures/samples").rglob("*.*")}


def package_files() -> set[str]:
    """The files of a checkout below devkit, without those that Python creates."""
    files = (path for path in (ROOT / "devkit").rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def sdist(checkout_copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling")
    return build(checkout_copy, "sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def metadata(site: Path) -> Message:
    (path,) = site.glob("*.dist-info/METADATA")
    return Parser().parsestr(path.read_text(encoding="utf-8"))


def run_installed(programs: Path, project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a script of the environment in a project directory, without this checkout."""
    environ = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return subprocess.run(
        [programs / words[0], *words[1:]],
        cwd=project,
        env={**environ, "HOME": str(project)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    packed = {f"devkit/samples/{name.as_posix()}" for name in SAMPLES} | {"devkit/cli/template/.env.example"}
    inside = {name for name in contents(wheel) if ".dist-info/" not in name}

    assert inside == package_files() | packed
    assert {
        "devkit/py.typed",
        "devkit/fixture/schema/fixture-1.schema.json",
        "devkit/cli/template/devkit.mk",
    } <= inside


def test_samples_of_the_wheel_are_those_of_the_checkout(site: Path) -> None:
    assert {
        path.relative_to(site / "devkit/samples") for path in (site / "devkit/samples").rglob("*.*")
    } == SAMPLES
    for name in SAMPLES:
        assert (site / "devkit/samples" / name).read_bytes() == (
            ROOT / "fixtures/samples" / name
        ).read_bytes()


def test_settings_of_the_wheel_are_those_of_the_checkout(site: Path) -> None:
    assert piece(".env.example", "", site / "devkit" / "cli") == (ROOT / ".env.example").read_text()


def test_sdist_holds_all_that_its_tests_and_docs_need(sdist: Path) -> None:
    inside = contents(sdist)

    for name in (".env.example", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md"):
        assert name in inside
    assert package_files() <= inside
    assert {f"fixtures/samples/{name.as_posix()}" for name in SAMPLES} <= inside
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")} <= inside


def test_nothing_private_is_published(wheel: Path, sdist: Path) -> None:
    names = {Path(name).name for name in contents(wheel) | contents(sdist)}

    assert private_files(wheel) == private_files(sdist) == set()
    assert names.isdisjoint(Path(name).name for name in PRIVATE)
    assert not [name for name in contents(wheel) | contents(sdist) if "recorded/" in name]


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_nothing_private_is_published_without_the_ignore_file(
    checkout_copy: Path, tmp_path: Path, kind: Literal["wheel", "sdist"]
) -> None:
    copy = shutil.copytree(checkout_copy, tmp_path / "copy")
    (copy / ".gitignore").unlink()

    assert private_files(build(copy, kind, tmp_path)) == set()


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_git_ignores_private_files_at_any_depth(checkout_copy: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    shutil.copy(checkout_copy / ".gitignore", tmp_path)

    command = ["git", "-C", str(tmp_path), "check-ignore", "--no-index", *PRIVATE]
    ignored = subprocess.run(command, check=False, capture_output=True, text=True).stdout.splitlines()

    assert ignored == list(PRIVATE)


def test_wheel_of_the_sdist_is_the_same(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "tarfile", "--extract", str(sdist), str(tmp_path)], check=True)
    (source,) = tmp_path.iterdir()

    again = build(source, "wheel", tmp_path)

    assert contents(again) == contents(wheel)
    assert (unpack(again, tmp_path / "site") / "devkit/cli/template/.env.example").is_file()


def test_metadata_says_what_it_is(metadata: Message) -> None:
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == PROJECT["requires-python"]
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload() == (ROOT / "README.md").read_text(encoding="utf-8")
    assert {"Framework :: Pytest", "Typing :: Typed"} <= set(metadata.get_all("Classifier", []))


def test_changelog_knows_the_version_or_what_is_to_come() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert changelog.startswith("# Changelog\n")
    assert f"## {__version__}" in changelog or "## Unreleased" in changelog


def test_no_message_and_no_help_points_at_a_file_that_only_a_checkout_has() -> None:
    texts = [f"{each.text} {each.hint}" for each in messages()]
    texts += [CliRunner().invoke(cli, ["help", name]).output for name in COMMANDS]
    texts += [CliRunner().invoke(cli, ["relay", name, "--help"]).output for name in RELAY_COMMANDS]

    assert len(texts) > 100
    pointers = re.compile(r"(?<![/\w])docs/\w|README|cp \.env\.example|ompare it with \.env")
    assert [text for text in texts if pointers.search(text)] == []


def test_installed_program_prints_its_version(installed: Path, tmp_path: Path) -> None:
    done = run_installed(installed, tmp_path, "devkit", "--version")

    assert (done.returncode, done.stdout.strip()) == (0, f"devkit, version {__version__}")


def test_installed_program_finds_the_samples(installed: Path, tmp_path: Path) -> None:
    done = run_installed(installed, tmp_path, "devkit", "show", "sequence/expired", "--json")

    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 2
    assert str(installed.parent.resolve()) in str(Path(done.stdout.split('"')[3]).resolve())


def test_installed_program_prepares_a_project(installed: Path, tmp_path: Path) -> None:
    done = run_installed(installed, tmp_path, "devkit", "init")

    assert [line.split()[0] for line in done.stdout.splitlines()] == ["written"] * 4
    assert (tmp_path / ".env.example").read_text() == (ROOT / ".env.example").read_text()


def test_pytest_finds_the_installed_plugin(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\n\n\n"
        '@pytest.mark.dlr("delivered", "sequence/expired")\n'
        "def test_it(dlr_receipt, make_dlr_receipt):\n"
        "    assert dlr_receipt.status and make_dlr_receipt('failed')\n"
    )

    done = run_installed(
        installed, tmp_path, "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--strict-markers"
    )

    assert "3 passed" in done.stdout, done.stdout + done.stderr
