"""`devkit report` as a user types it: which receipts, which file, and what is left of it."""

import os
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from devkit.cli import cli
from devkit.fixture.format import Fixture, load
from devkit.fixture.response_log import ResponseLog
from devkit.fixture.store import Store, samples_directory
from devkit.http.client import Response
from devkit.inspector.report import MARK
from devkit.session.project import project_in
from devkit.webhook.callback import Callback, compose
from devkit.webhook.new_webhook import make_receipt_fields
from tests.support.session_example import SESSION

ID = "3c7e09b1-5a4d-4f68-8a00-00001234567b"
NUMBER = "0987654321098"  # of no country


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def record(
    status: str = "delivered", message_id: str = ID, *, ago: timedelta = timedelta(), **fields: str
) -> Path:
    store, at = Store(Path("fixtures")), datetime.now(UTC) - ago
    store.prepare()
    made = make_receipt_fields(status, "0", message_id=message_id, pushed_at=at) | {"msisdn": NUMBER} | fields
    fixture = Fixture(at, compose(made, "get"))
    return store.record(fixture, fixture.read())


def report(*args: str) -> Result:
    return CliRunner().invoke(cli, ["report", *args], prog_name="devkit")


def test_without_a_session_it_has_the_receipts_of_today(here: Path) -> None:
    record("accepted", ago=timedelta(days=2))
    record("failed")

    result = report()

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "report.html: 1 receipt of 1 message, 1 not delivered\n"
    html = (here / "report.html").read_bytes()
    assert html.startswith(MARK)
    assert NUMBER.encode() not in html


def test_with_a_session_it_has_the_receipts_of_the_session(here: Path) -> None:
    record("expired", "0A00000012ABCDEF", ago=timedelta(days=4))
    record("accepted", ago=timedelta(days=2))
    began = datetime.now(UTC) - timedelta(days=3)
    project = project_in(here)
    project.prepare()
    with project.session_file(replace(SESSION, started_at=began.isoformat(timespec="seconds"))):
        result = report()

    assert result.stdout == "report.html: 1 receipt of 1 message\n"


def test_a_selector_names_a_message_or_any_recording(here: Path) -> None:
    record("accepted", ago=timedelta(days=2))
    path = record()
    record(message_id="0A00000012ABCDEF")

    message, both, latest = report(ID), report(ID, str(path)), report("latest", "-o", "one/latest.html")

    assert message.stdout == both.stdout == "report.html: 2 receipts of 1 message\n"
    assert latest.stdout == "one/latest.html: 1 receipt of 1 message\n"
    nothing = report("no-such")
    assert nothing.exit_code == 3
    assert "no-such" in nothing.stderr


def test_the_project_is_found_in_a_directory_above(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record()
    project_in(here).prepare()
    (here / "sub").mkdir()
    monkeypatch.chdir(here / "sub")

    assert report().stdout == "report.html: 1 receipt of 1 message\n"
    assert (here / "sub" / "report.html").exists()


def test_only_a_report_is_replaced_without_force(here: Path) -> None:
    record()
    notes = here / "notes.html"
    notes.write_text("mine")

    refused = report("-o", "notes.html")
    assert refused.exit_code == 2
    assert refused.stderr.splitlines() == [
        "Error: notes.html exists, and is not a report.",
        "Hint: Choose another file with -o, or replace it with --force.",
    ]
    assert notes.read_text() == "mine"

    assert report("-o", "notes.html", "--force").exit_code == 0
    assert report("-o", "notes.html").exit_code == 0
    assert notes.read_bytes().startswith(MARK)
    assert sorted(path.name for path in here.iterdir()) == [".devkit", "fixtures", "notes.html"]


def test_what_is_not_a_file_is_never_replaced(here: Path) -> None:
    record()
    os.mkfifo(here / "pipe")

    for name in ("pipe", "fixtures"):
        result = report("-o", name, "--force")
        assert result.exit_code == 2
        assert f"{name} is not a file." in result.stderr


def test_a_file_that_cannot_be_written_is_an_error(here: Path) -> None:
    record()

    under_a_file = report("-o", f"{record()}/report.html")

    assert under_a_file.exit_code == 3
    assert "could not be written" in under_a_file.stderr
    assert under_a_file.stdout == ""


def test_a_directory_that_may_not_be_searched_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "exists", refuse)
    result = report("-o", "locked/report.html")

    assert result.exit_code == 3
    assert result.stderr.startswith("Error: locked/report.html could not be written: Permission denied.")


def test_to_the_standard_output_it_is_the_page_alone(here: Path) -> None:
    record()

    result = report("-o", "-")

    assert result.stdout_bytes.startswith(MARK)
    assert result.stdout_bytes.endswith(b"</html>")
    assert result.stderr == ""
    assert not (here / "report.html").exists()


def test_a_private_report_shows_all_and_is_for_its_owner_only(here: Path) -> None:
    project_in(here).prepare()
    log = ResponseLog(here / ".devkit", "http://127.0.0.1:5000/dlr", lambda: datetime.now(UTC))
    log.add_response(str(record()), Response(500, 0.001, b"no such table"))

    assert report().exit_code == 0
    assert report("--private", "-o", "private.html").exit_code == 0

    public, private = (here / "report.html").read_bytes(), (here / "private.html").read_bytes()
    assert [value in public for value in (NUMBER.encode(), b"no such table")] == [False, False]
    assert [value in private for value in (NUMBER.encode(), b"no such table")] == [True, True]
    assert b"500 in 1 ms" in public
    assert stat.S_IMODE((here / "private.html").stat().st_mode) == 0o600
    assert stat.S_IMODE((here / "report.html").stat().st_mode) == 0o644


def test_fields_without_a_rule_are_a_notice_and_a_decision(here: Path) -> None:
    record(shop="Main Street")

    undecided, allowed = report(), report("--allow-field", "shop", "-o", "allowed.html")

    assert undecided.exit_code == 0
    notice, hint = undecided.stderr.splitlines()
    assert notice == "Notice: 1 recording shown without fields: unknown fields may identify somebody: 'shop'."
    assert "--allow-field shop" in hint
    assert b"Main Street" not in (here / "report.html").read_bytes()
    assert allowed.stderr == ""
    assert b"Main Street" in (here / "allowed.html").read_bytes()
    both = report("--private", "--allow-field", "shop")
    assert both.exit_code == 2


def test_older_recordings_beyond_the_limit_and_damaged_files_are_notices(here: Path) -> None:
    record("accepted", ago=timedelta(seconds=1))
    record().write_text("{}")
    record(message_id="0A00000012ABCDEF")

    result = report(ID, "latest", "--limit", "2")

    assert result.stdout == "report.html: 1 receipt of 1 message\n"
    older, damaged = result.stderr.splitlines()
    assert older == "Notice: 1 older recording left out. For more: --limit 3"
    assert damaged.startswith("Notice: Left out: ")


def test_each_kind_is_counted_as_what_it_is(here: Path) -> None:
    store = Store(Path("fixtures"))
    for sample in (
        "delivered",
        "messages-rejected-illegal-number",
        "inbound-sms",
        "inbound-messages",
        "verify-event",
    ):
        fixture = replace(load(samples_directory() / f"{sample}.json"), recorded_at=datetime.now(UTC))
        store.record(fixture, fixture.read())
    empty = Fixture(datetime.now(UTC), Callback("POST", "/webhooks/delivery-receipt"))
    store.record(empty, empty.read())

    assert report().stdout == (
        "report.html: 2 receipts of 2 messages, 1 not delivered, 2 inbound, 1 of other products, 1 unreadable\n"
    )


def test_no_receipts_are_an_empty_report(here: Path) -> None:
    result = report()

    assert result.exit_code == 0
    assert result.stdout == "report.html: 0 receipts of 0 messages\n"
    assert "the report is empty" in result.stderr
    assert b"No receipts were recorded." in (here / "report.html").read_bytes()
