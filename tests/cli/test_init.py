"""`devkit init` puts what devkit needs into a project, and changes nothing that is there."""

import shutil
import subprocess
from pathlib import Path

import pytest

from devkit.cli.init import PIECES, piece, scaffold
from devkit.errors import ConfigurationError
from devkit.session.settings import read_settings
from tests.support.command import ROOT, call

RECORDED = "fixtures/recorded/"


def place(directory: Path, recorded: str = RECORDED) -> dict[str, tuple[str, str]]:
    return {placed.file: (placed.outcome, placed.advice) for placed in scaffold(directory, recorded)}


def outcomes(directory: Path) -> list[str]:
    return [outcome for outcome, _ in place(directory).values()]


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_all_is_written_into_an_empty_directory(tmp_path: Path) -> None:
    assert outcomes(tmp_path) == ["written"] * 4
    assert sorted(contents(tmp_path)) == sorted(PIECES)


def test_second_time_changes_nothing(tmp_path: Path) -> None:
    place(tmp_path)
    before = contents(tmp_path)

    assert outcomes(tmp_path) == ["already there"] * 4
    assert contents(tmp_path) == before


def test_settings_are_those_of_the_checkout(tmp_path: Path) -> None:
    place(tmp_path)

    assert (tmp_path / ".env.example").read_text() == (ROOT / ".env.example").read_text()
    (tmp_path / ".env").write_text((tmp_path / ".env.example").read_text())
    assert not read_settings({}, tmp_path).has_credentials


def test_packed_settings_are_used_where_there_is_no_checkout(tmp_path: Path) -> None:
    packed = tmp_path / "devkit" / "template"
    packed.mkdir(parents=True)
    (packed / ".env.example").write_text("PACKED=\n")
    (tmp_path / ".env.example").write_text("STRANGER=\n")

    assert piece(".env.example", "", tmp_path / "devkit") == "PACKED=\n"


def test_other_settings_are_left_alone_and_the_missing_named(tmp_path: Path) -> None:
    names = piece(".env.example", "").replace("VONAGE_API_KEY=", "").replace("NGROK_URL=", "")
    (tmp_path / ".env.example").write_text(f"DATABASE=\n{names}")
    before = contents(tmp_path)

    assert place(tmp_path)[".env.example"] == (
        "unchanged",
        "it lacks VONAGE_API_KEY, NGROK_URL: devkit init --print .env.example",
    )
    assert contents(tmp_path)[".env.example"] == before[".env.example"]


def test_settings_in_another_form_are_there(tmp_path: Path) -> None:
    lines = (
        piece(".env.example", "").replace("\nVONAGE_", "\nexport VONAGE_").replace("\nDEVKIT_", "\n#DEVKIT_")
    )
    (tmp_path / ".env.example").write_text(lines)

    assert place(tmp_path)[".env.example"] == ("already there", "")


def test_gitignore_gets_only_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_bytes(b"\xff*.pyc\n/.env\n.devkit")

    assert place(tmp_path)[".gitignore"] == ("written", "keeps out of git: fixtures/recorded/")
    assert (tmp_path / ".gitignore").read_bytes() == b"\xff*.pyc\n/.env\n.devkit\nfixtures/recorded/\n"


def test_gitignore_keeps_its_line_ends(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_bytes(b"*.pyc\r\n.env\r\n")

    place(tmp_path)

    assert (tmp_path / ".gitignore").read_bytes() == b"*.pyc\r\n.env\r\n.devkit/\r\nfixtures/recorded/\r\n"


def test_line_that_shows_it_to_git_again_does_not_count(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text(".env\n.devkit/\nfixtures/recorded/\n!.env\n")

    assert place(tmp_path)[".gitignore"] == ("written", "keeps out of git: .env")


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_git_sees_neither_secrets_nor_recordings(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    private = [".env", ".devkit/registration.json", "fixtures/recorded/2026-11-23/a.json"]
    for name in [*private, "fixtures/samples/a.json"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    place(tmp_path)

    shown = subprocess.run(
        ["git", "-C", str(tmp_path), "ls-files", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert sorted(shown) == sorted([*PIECES, "fixtures/samples/a.json"])


def test_makefile_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "GNUmakefile").write_text("all:\n\ttrue\n")

    placed = place(tmp_path)

    assert placed["GNUmakefile"] == ("unchanged", "add at its end: include devkit.mk")
    assert placed["devkit.mk"][0] == "written"
    assert not (tmp_path / "Makefile").exists()
    assert (tmp_path / "GNUmakefile").read_text() == "all:\n\ttrue\n"


def test_names_that_a_makefile_has_get_a_prefix(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(
        "dev \\\n test: build\nsend := 1\ntrigger:: \nx = replay: y\n\tdoctor: z\nreplay\n"
    )

    _, advice = place(tmp_path)["Makefile"]

    assert advice == (
        "add two lines, as it has dev, trigger of its own: DEVKIT_PREFIX := dlr-, then include devkit.mk"
    )


def test_changed_targets_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "devkit.mk").write_text("mine:\n")

    assert place(tmp_path)["devkit.mk"] == ("unchanged", "it differs from: devkit init --print devkit.mk")
    assert (tmp_path / "devkit.mk").read_text() == "mine:\n"


@pytest.mark.parametrize("name", PIECES)
def test_file_that_cannot_be_written_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()

    with pytest.raises(ConfigurationError, match="Cannot put") as caught:
        place(tmp_path)

    assert caught.value.hint == f"Print its content with: devkit init --print {name}"


def test_link_that_leads_nowhere_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / ".env.example").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ConfigurationError):
        place(tmp_path)

    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("name", [*PIECES, "GNUmakefile"])
@pytest.mark.parametrize("is_there", [True, False])
def test_link_out_of_the_project_is_not_followed(tmp_path: Path, name: str, is_there: bool) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    project.mkdir()
    (project / name).symlink_to(outside)
    if is_there:
        outside.write_text("all:\n")

    placed = place(project)

    wanted = "Makefile" if name == "GNUmakefile" else name
    assert placed[name] == (
        "unchanged",
        f"it is a link out of the project: devkit init --print {wanted}",
    )
    assert outside.exists() is is_there
    assert not is_there or outside.read_text() == "all:\n"
    there = {path.name for path in project.iterdir()}
    assert there == ({*PIECES, name} - {"Makefile"} if name == "GNUmakefile" else set(PIECES))


def test_directory_that_is_a_link_is_a_project_too(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")

    assert outcomes(tmp_path / "link") == ["written"] * 4


def test_link_in_the_place_of_gitignore_is_left_alone_for_git_does_not_read_it(tmp_path: Path) -> None:
    (tmp_path / "ignored").write_text("*.pyc\n")
    (tmp_path / ".gitignore").symlink_to("ignored")

    assert place(tmp_path)[".gitignore"] == (
        "unchanged",
        "it is a link, which git does not read: devkit init --print .gitignore",
    )
    assert (tmp_path / "ignored").read_text() == "*.pyc\n"


def test_indented_line_does_not_count(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("  .env\n.devkit/  \nfixtures/recorded/\n")

    assert place(tmp_path)[".gitignore"] == ("written", "keeps out of git: .env")


def test_command_says_what_became_of_each_file(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("all:\n")

    done = call(tmp_path, "init")

    assert (done.code, done.err) == (0, "")
    assert done.out == [
        "written       .env.example fill in what you have: cp .env.example .env",
        "written       .gitignore   keeps out of git: .env, .devkit/, fixtures/recorded/",
        "written       devkit.mk    make devkit lists its targets",
        "unchanged     Makefile     add at its end: include devkit.mk",
    ]


def test_recordings_elsewhere_are_kept_out_of_git_too(tmp_path: Path) -> None:
    done = call(tmp_path, "init", "--print", ".gitignore", DEVKIT_FIXTURES="tests/dlr")

    assert done.out == [".env", ".devkit/", "tests/dlr/recorded/"]


def test_recordings_outside_the_project_are_no_matter_of_its_git(tmp_path: Path) -> None:
    done = call(tmp_path, "init", "--print", ".gitignore", DEVKIT_FIXTURES="../dlr")

    assert done.out == [".env", ".devkit/"]


def test_printing_writes_nothing(tmp_path: Path) -> None:
    assert call(tmp_path, "init", "--print", "Makefile").out == ["include devkit.mk"]
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("broken", [b"A=\xff\n", b"DEVKIT_PORT=x\n"])
def test_a_broken_env_file_can_be_compared_with_the_example(tmp_path: Path, broken: bytes) -> None:
    (tmp_path / ".env").write_bytes(broken)

    done = call(tmp_path, "init", "--print", ".env.example")

    assert (done.code, done.err) == (0, "")
    assert "DEVKIT_PORT=3000" in done.out


def test_unwritable_file_is_an_error_of_configuration(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").mkdir()

    done = call(tmp_path, "init")

    assert done.code == 3
    assert done.err.splitlines()[0].startswith("Error: Cannot put .gitignore into ")
