"""Completion of commands, fixtures, statuses and err-codes; in a real bash if it is installed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from click.shell_completion import CompletionItem

from devkit.cli import COMMANDS
from devkit.cli.completion import (
    complete,
    latest_item,
    message_items,
    sample_items,
)
from devkit.fixture.store import Store, samples_directory
from devkit.webhook.vocabulary import ALL_STATUSES, ERR_CODES, MESSAGES_STATUSES, STATUSES
from tests.support.command import ROOT, call, run

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def record(root: Path, *receipts: tuple[str, str]) -> Store:
    """A store with an empty file for each status and message id, in this order."""
    store = Store(root)
    day = store.recorded / f"{NOON:%Y-%m-%d}"
    day.mkdir(parents=True, exist_ok=True)
    for number, (status, message_id) in enumerate(receipts):
        time = (NOON + timedelta(seconds=number)).strftime("%H%M%S.%f")
        (day / f"{time}Z-{status}-{message_id}-{number:06x}.json").touch()
    return store


def values(items: Sequence[CompletionItem]) -> list[str]:
    return [item.value for item in items]


def test_messages_come_newest_first_each_once(tmp_path: Path) -> None:
    store = record(
        tmp_path, ("accepted", "0A01"), ("accepted", "0A02"), ("delivered", "0A01"), ("unparsed", "noid")
    )

    items = message_items(store, "")

    assert values(items) == ["0A01", "0A02"]
    assert items[0].help == "delivered, 2026-11-23 12:00 UTC"


def test_latest_is_offered_until_something_else_is_typed() -> None:
    assert values(latest_item("")) == values(latest_item("lat")) == ["latest"]
    assert latest_item("0A") == []


def test_message_ids_are_found_in_any_case(tmp_path: Path) -> None:
    store = record(tmp_path, ("accepted", "0A01"), ("accepted", "0B01"))

    assert values(message_items(store, "0b")) == ["0B01"]


def test_only_some_messages_are_offered(tmp_path: Path) -> None:
    store = record(tmp_path, *(("accepted", f"0A{number:03}") for number in range(30)))

    assert values(message_items(store, "0A")) == [f"0A{number:03}" for number in range(29, 9, -1)]


@pytest.mark.parametrize("typed", ["3", "38eef590-711f", "38eef590-711f-4360-a23d-80c38291eb1d"])
def test_a_uuid_is_offered_as_vonage_writes_it(tmp_path: Path, typed: str) -> None:
    record(tmp_path, ("delivered", "38eef590_711f_4360_a23d_80c38291eb1d"), ("delivered", "0A01"))

    assert values(message_items(Store(tmp_path), typed)) == ["38eef590-711f-4360-a23d-80c38291eb1d"]


def test_own_samples_are_offered_beside_the_packaged_ones(tmp_path: Path) -> None:
    own, packaged = Store(tmp_path / "own"), tmp_path / "packaged"
    for path in (own.samples / "my-case.json", packaged / "my.json", packaged / "my" / "01-accepted.json"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    assert values(sample_items(own, packaged, "my")) == ["my", "my-case"]
    assert values(sample_items(own, packaged, "my/")) == ["my/01-accepted"]


def test_sequences_are_offered_whole_until_they_are_typed(tmp_path: Path) -> None:
    store, packaged = Store(tmp_path), samples_directory()

    assert "sequence/expired" in values(sample_items(store, packaged, ""))
    assert values(sample_items(store, packaged, "sequence/expired")) == ["sequence/expired"]
    assert values(sample_items(store, packaged, "sequence/expired/")) == [
        "sequence/expired/01-accepted",
        "sequence/expired/02-expired",
    ]


def test_every_status_and_err_code_is_offered() -> None:
    assert values(complete("status", "")) == list(ALL_STATUSES)
    assert values(complete("err-code", "")) == [*ERR_CODES, *(code.slug for code in ERR_CODES.values())]
    assert values(complete("new-status", "")) == [
        *STATUSES,
        "inbound",
        *(f"messages:{status}" for status in MESSAGES_STATUSES),
    ]
    assert values(complete("error", "illegal-n")) == ["illegal-number"]
    assert values(complete("error", "124")) == ["1240", "1241"]
    assert values(complete("err-code", "absent")) == [
        "absent-subscriber-temporary",
        "absent-subscriber-permanent",
    ]


def test_in_a_directory_that_was_deleted_nothing_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted = tmp_path / "deleted"
    deleted.mkdir()
    monkeypatch.chdir(deleted)
    deleted.rmdir()

    assert complete("message", "") == []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with recordings, and `devkit` in its `bin`."""
    record(tmp_path / "fixtures", ("accepted", "0A01"), ("delivered", "0B02"))
    program = tmp_path / "bin" / "devkit"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m devkit "$@"\n')
    program.chmod(0o755)
    return tmp_path


@cache
def bash_script() -> str:
    """The output of `devkit completion bash`."""
    return "\n".join(run(ROOT, "completion", "bash").out)


def press_tab(project: Path, line: str) -> list[str]:
    """The values that bash's completion function offers at the end of a line."""
    script = """
        eval "$SCRIPT"
        compopt() { printf '(%s %s)\\n' "$@"; }   # works only in readline
        read -ra COMP_WORDS <<< "$LINE"
        [[ $LINE == *' ' ]] && COMP_WORDS+=("")
        COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
        $(complete -p devkit | sed 's/.*-F \\([^ ]*\\) .*/\\1/') devkit
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    path = os.pathsep.join([str(project / "bin"), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=project,
        env={"PATH": path, "PYTHONPATH": str(ROOT), "LINE": line, "SCRIPT": bash_script()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("devkit re", [name for name in COMMANDS if name.startswith("re")]),
        ("devkit replay la", ["(-o default)", "latest"]),
        ("devkit replay 0", ["(-o default)", "0B02", "0A01"]),
        ("devkit replay latest sequence/out", ["(-o default)", "sequence/out-of-order"]),
        ("devkit show delivered-", ["(-o default)", "delivered-form", "delivered-json"]),
        ("devkit keep ", ["(-o default)", "latest", "0B02", "0A01"]),
        ("devkit trigger f", ["failed"]),
        ("devkit trigger failed --err-code 5", ["5", "50", "51", "52", "53", "54"]),
        ("devkit trigger failed --err-code absent-subscriber-t", ["absent-subscriber-temporary"]),
        ("devkit trigger failed --err-code wrong --as f", ["form"]),
        ("devkit list --status b", ["buffered"]),
        ("devkit list --message ", ["0B02", "0A01"]),
        ("devkit replay --repe", ["--repeat"]),
        ("devkit completion ", ["bash", "zsh", "fish"]),
        ("devkit replay fixtures/recorded/", ["(-o default)", ""]),
    ],
)
def test_bash_offers(project: Path, line: str, offered: list[str]) -> None:
    assert press_tab(project, line) == offered


def press_tab_in(project: Path, shell: str, line: str, **settings: str) -> list[str]:
    """The output of the program for the script of a shell, in click's protocol."""
    words = line.split(" ")
    cword = words[-1] if shell == "fish" else str(len(words) - 1)
    asked = {"_DEVKIT_COMPLETE": f"{shell}_complete", "COMP_WORDS": line, "COMP_CWORD": cword}
    done = run(project, **asked, **settings)
    assert (done.code, done.err) == (0, "")
    return done.out


def test_zsh_and_fish_get_meanings(project: Path) -> None:
    assert press_tab_in(project, "zsh", "devkit trigger d")[:3] == [
        "plain",
        "delivered",
        STATUSES["delivered"].meaning,
    ]
    assert "plain,2\tAbsent Subscriber - Temporary" in "\n".join(
        press_tab_in(project, "fish", "devkit trigger failed --err-code 2")
    )


def test_a_wrong_setting_is_ignored(project: Path) -> None:
    assert "latest" in "".join(press_tab_in(project, "bash", "devkit replay lat", DEVKIT_PORT="many"))


@pytest.mark.parametrize("line", ["devkit ", "devkit replay ", "devkit trigger ", "devkit list --status "])
def test_nothing_slow_is_imported_at_tab(project: Path, line: str) -> None:
    program = (
        "import sys\nfrom devkit.cli import main\n"
        "try: main([])\nexcept SystemExit: pass\n"
        "print({'flask', 'rich', 'vonage', 'pyngrok', 'requests', 'waitress', 'pydantic'} & sys.modules.keys())"
    )
    asked = {"_DEVKIT_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=project,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **asked},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.startswith("plain,") or done.stdout.startswith("file,")
    assert done.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_is_that_of_the_shell_and_the_docs_say_where_to_put_it(tmp_path: Path, shell: str) -> None:
    done = call(tmp_path, "completion", shell)

    assert done.code == 0
    assert f"    devkit completion {shell} > ~/" in (ROOT / "docs" / "completion.md").read_text()
    assert f"_DEVKIT_COMPLETE={shell}_complete" in "\n".join(done.out)
    assert (done.out[0] == "#compdef devkit") == (shell == "zsh")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_can_parse_the_script(tmp_path: Path, shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"needs {shell}")
    script = tmp_path / "script"
    script.write_text("\n".join(call(tmp_path, "completion", shell).out))

    subprocess.run([shell, "-n", str(script)], check=True)
