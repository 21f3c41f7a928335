"""The README is tested: its transcripts are run again, and it names every command and exit code."""

import importlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask, request

from devkit import errors
from devkit.cli import COMMANDS
from devkit.http.server import listen, serve
from tests.support.transcript import headings, run_command, run_session, settled, transcripts

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted(path.relative_to(ROOT) for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which the demo message was recorded."""
    return tmp_path_factory.mktemp("project")


@pytest.fixture(scope="module")
def first_session(project: Path) -> str:
    """The output of `devkit dev` in an empty project, which is stopped after the demo message."""
    return "".join(run_session(project, lambda text: " delivered " in text))


@pytest.fixture
def tutorial() -> Iterator[str]:
    """The host and port of an application like that of the usual tutorial."""
    app = Flask("tutorial")

    @app.route("/webhooks/dlr", methods=["GET", "POST"])
    def delivery_receipt() -> tuple[str, int]:
        fields = request.get_json() if request.is_json else request.values.to_dict()
        assert fields["messageId"]
        return "", 204

    listener = listen("127.0.0.1", 0)
    with serve(app, listener):
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def test_first_session_prints_what_the_readme_shows(first_session: str) -> None:
    shown = next(output for command, output in transcripts(README) if command == "make dev")

    assert settled(first_session) == settled(shown)


@pytest.mark.parametrize(
    ("command", "shown"),
    [each for each in transcripts(README) if each.command.startswith("devkit ")],
    ids=lambda text: text[:40],
)
@pytest.mark.usefixtures("first_session")
def test_command_prints_what_the_readme_shows(project: Path, tutorial: str, command: str, shown: str) -> None:
    assert settled(run_command(command, project, tutorial)) == settled(shown)


def test_the_readme_says_what_to_type_for_each_api() -> None:
    section = README.partition("\n## With your account")[2].partition("\n## ")[0]

    words = (
        "Messaging API type",
        "With SMS API",
        "`make dev`",
        "`make dev ARGS='--application ID'`",
        "`--inbound`",
    )
    assert [each for each in words if each not in section] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"| `devkit {command}" in README


def test_every_option_is_in_the_readme_or_the_docs() -> None:
    texts = "\n".join((ROOT / document).read_text() for document in DOCUMENTS)

    missing = []
    for name in COMMANDS:
        command = importlib.import_module(f"devkit.cli.{name}").command
        options = [
            option for parameter in command.params for option in parameter.opts if option.startswith("--")
        ]
        missing += [f"{name} {option}" for option in options if not re.search(rf"{option}\b", texts)]

    assert missing == []


def test_every_exit_code_is_in_the_readme() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.DevkitError)}

    line = README.partition("Exit codes:")[2].partition("\n\n")[0]

    assert codes == set(range(1, 7))
    assert [code for code in codes if f"· {code} " not in line.replace("\n", " ")] == []


def test_every_setting_is_in_its_document() -> None:
    document = (ROOT / "docs" / "settings.md").read_text()
    example = (ROOT / ".env.example").read_text()
    settings = re.findall(r"^#? ?([A-Z][A-Z_]+)=", example, re.MULTILINE)

    assert settings
    assert [
        name for name in settings if f"| `{name}`" not in document and f", `{name}`" not in document
    ] == []


def test_every_make_target_is_shown_by_make_help() -> None:
    targets = re.findall(r"^\.PHONY: (\w+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    result = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert [target for target in targets if f"make {target}" not in result.stdout] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_lead_to_files_and_headings(document: Path) -> None:
    text = (ROOT / document).read_text()
    links = re.findall(r"\]\((?!https?://)([^)#]*)(?:#([^)]*))?\)", text)

    broken = []
    for path, heading in links:
        place = ((ROOT / document).parent / path).resolve() if path else ROOT / document
        if not place.exists() or (heading and heading not in headings(place)):
            broken.append(f"{path}#{heading}")

    assert broken == []
