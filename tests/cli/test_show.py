"""`devkit show`: what it prints, and what it keeps to itself."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from devkit.cli import cli
from devkit.fixture.format import Fixture, dumps, load
from devkit.fixture.store import Store
from devkit.webhook.callback import Callback, compose, to_wire
from devkit.webhook.receipt import read
from devkit.webhook.signature import TEST_SIGNATURE_SECRET
from devkit.webhook.vocabulary import FIELDS

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "fixtures" / "samples"
FILES = sorted(SAMPLES.rglob("*.json"))

Run = Callable[..., Result]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the samples and two recordings of one message."""
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "fixtures" / "samples").symlink_to(SAMPLES)
    store = Store(tmp_path / "fixtures")
    for second, status in enumerate(("accepted", "delivered")):
        fields = {"msisdn": "447700900000", "messageId": "0A00", "status": status}
        callback = compose(fields, "form", target="/webhooks/delivery-receipt/s3cr3t")
        store.record(Fixture(datetime(2026, 6, 1, 0, 0, second, tzinfo=UTC), callback), read(callback))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture
def run(project: Path) -> Run:
    def run(*arguments: str, color: bool = False) -> Result:
        return CliRunner().invoke(cli, ["show", *arguments], catch_exceptions=False, color=color)

    return run


def test_receipt_is_explained(run: Run) -> None:
    result = run("failed-absent-subscriber-temporary")

    assert result.exit_code == 0
    for words in (
        "failed  not delivered, final",
        "err-code 2  Absent Subscriber - Temporary",
        "retry later",
        "fixtures/samples/failed-absent-subscriber-temporary.json",
        "2026-06-01 10:57:30.214087 UTC",
        "GET /webhooks/delivery-receipt, fields in the query",
        "signature  absent",
        "Beware",
        "`msisdn` is the recipient",
        "carrier's local time",
    ):
        assert words in result.stdout


def test_every_field_is_there_with_its_meaning(run: Run) -> None:
    printed = run("signed-special-characters").stdout

    words = " ".join(printed.split())
    for name, meaning in FIELDS.items():
        assert re.search(rf"^  {name} ", printed, re.MULTILINE), name
        assert meaning in words, name


@pytest.mark.parametrize("columns", ["60", "80", "120"])
def test_no_line_of_words_is_wider_than_the_terminal(
    run: Run, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)

    lines = run("signed-special-characters").stdout.splitlines()

    assert "a value used once, part of what is signed" in " ".join(" ".join(lines).split())
    too_long = [line.split() for line in lines if len(line) > int(columns)]
    assert [words for words in too_long if len(words) > 2] == []  # but a path or a signature can be pasted


def test_numbers_are_masked_unless_asked_for(run: Run) -> None:
    assert "447700900000" not in run("delivered").stdout
    assert "447700900000" in run("delivered", "--numbers").stdout


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_sample_can_be_shown_without_a_number(path: Path, run: Run) -> None:
    for arguments in ((), ("--json",)):
        result = run(str(path), *arguments)
        assert result.exit_code == 0
        assert result.stdout.strip()
        assert "4477009" not in result.stdout


def test_signature_is_checked_with_the_configured_secret(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VONAGE_SIGNATURE_SECRET", TEST_SIGNATURE_SECRET)
    monkeypatch.setenv("VONAGE_SIGNATURE_METHOD", "sha256")

    assert "signature  valid" in run("signed-sha256").stdout
    assert "signature  invalid" in run("signed-tampered").stdout
    assert "VONAGE_SIGNATURE_METHOD=sha512" in run("signed-sha512").stdout


def test_a_callback_that_is_no_receipt_is_named_first(run: Run) -> None:
    printed = run("no-status").stdout

    assert printed.startswith("not a receipt\n")
    assert "There is no status field" in printed


def test_hostile_text_stays_on_its_line(project: Path, run: Run) -> None:
    escapes = "\x1b[2J\n\rforged \u202e\x07\x9b"
    fields = {"status": escapes, "err-code": escapes, f"name{escapes}": escapes * 99}
    path = project / "hostile.json"
    path.write_bytes(
        dumps(Fixture(datetime.now(UTC), compose(fields, "json"), note=escapes, tags=(escapes,)))
    )

    printed = run(str(path), color=True).stdout

    assert "forged" in printed
    assert not any(line.startswith("forged") for line in printed.splitlines())
    assert not any(hostile in printed for hostile in ("\x1b[2J", "\r", "\u202e", "\x07", "\x9b"))
    assert max(map(len, printed.splitlines())) < 200


def test_secret_segment_of_the_path_is_hidden(run: Run) -> None:
    for arguments in ((), ("--json",), ("--as", "curl"), ("--as", "har"), ("--as", "pytest")):
        shown = run("latest", *arguments).stdout

        assert "0A00" in shown
        assert "s3cr3t" not in shown


def test_latest_and_message_id_select(run: Run) -> None:
    assert run("latest").stdout.startswith("delivered ")
    assert [json.loads(line)["status"] for line in run("0a00", "--json").stdout.splitlines()] == [
        "accepted",
        "delivered",
    ]
    assert run("latest:2").stdout.count("Beware") == 2


def test_nothing_found_is_a_fixture_error(run: Run) -> None:
    result = run("delivred")

    assert result.exit_code == 3
    assert "delivered" in result.stderr


def test_broken_file_is_a_fixture_error(project: Path, run: Run) -> None:
    (project / "broken.json").write_text("{")

    assert run("broken.json").exit_code == 3
    assert run("broken.json", "--as", "http").exit_code == 3


def test_json_line(run: Run) -> None:
    shown = json.loads(run("failed-handset-busy", "--json").stdout)

    assert shown["file"].endswith("failed-handset-busy.json")
    assert (shown["status"], shown["final"], shown["err_code"]) == ("failed", True, "7")
    assert shown["recorded_at"] == "2026-06-01T10:57:30.214087Z"
    assert {"name": "status", "value": "failed", "meaning": FIELDS["status"]} in shown["fields"]


def test_colour_on_a_terminal_only(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[32m" in run("delivered", color=True).stdout
    assert "\x1b" not in run("delivered").stdout

    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in run("delivered", color=True).stdout


@pytest.mark.parametrize("name", ["non-utf8-json", "delivered", "multipart"])
def test_http_is_the_raw_request_and_nothing_else(name: str) -> None:
    command = [sys.executable, "-m", "devkit", "show", name, "--as", "http"]

    result = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)

    assert result.stdout == to_wire(load(SAMPLES / f"{name}.json").callback)
    assert result.stderr == b""


def test_curl_goes_to_the_configured_port(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "http://127.0.0.1:3000/webhooks/delivery-receipt?" in run("delivered", "--as", "curl").stdout

    monkeypatch.setenv("DEVKIT_PORT", "4000")
    assert "http://127.0.0.1:4000/webhooks/delivery-receipt?" in run("delivered", "--as", "curl").stdout


def test_har_is_json(run: Run) -> None:
    assert len(json.loads(run("sequence/out-of-order", "--as", "har").stdout)["log"]["entries"]) == 2


def test_pytest_of_a_recording_reminds_of_keep(run: Run) -> None:
    assert "devkit keep" in run("latest", "--as", "pytest").stderr
    assert run("delivered", "--as", "pytest").stderr == ""


def test_unknown_form_is_a_usage_error(run: Run) -> None:
    assert run("delivered", "--as", "yaml").exit_code == 2


def test_narrow_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "5")

    assert run("delivered").exit_code == 0


def test_plain_callback_without_a_body_is_shown(project: Path, run: Run) -> None:
    path = project / "plain.json"
    path.write_bytes(dumps(Fixture(datetime.now(UTC), Callback("POST", "/"))))

    assert os.fspath("plain.json") in run("plain.json").stdout


def test_another_form_leaves_no_room_for_json_lines(run: Run) -> None:
    shown, plain = run("latest", "--as", "har", "--json"), run("latest", "--as", "har")

    assert shown.stdout == plain.stdout
    assert (shown.stderr, plain.stderr) == ("Notice: --json has no effect with --as\n", "")


def test_a_forward_address_that_is_none_stops_only_what_needs_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEVKIT_FORWARD_TO", "http://")

    assert run("latest", "--as", "http").exit_code == 0
    assert run("latest", "--as", "curl").exit_code == 2
