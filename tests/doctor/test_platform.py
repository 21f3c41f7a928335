"""What the doctor says of the account: reachable, key, settings, whose callback, clock. It changes nothing there."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from devkit.doctor.callback_urls import application_checks, url_check
from devkit.doctor.check import Check, Context
from devkit.doctor.machine import leftover_checks
from devkit.doctor.platform import platform_checks
from devkit.session.project import project_in
from devkit.simulator import SimulatorOptions, run_simulator
from devkit.simulator.application_key import make_private_key, public_key_of
from devkit.simulator.options import Fault
from devkit.vonage.journal import journal_path, write_journal
from tests.support.changed_settings import ChangedSettings
from tests.support.doctor_context import (
    OURS,
    SECRET,
    SESSION,
    account_of,
    find,
    leave_journal,
    make_context,
    outcomes,
)
from tests.support.fake_application import APPLICATION, APPLICATION_ID, FakeVonage, fake_vonage
from tests.support.raw_socket import closed_port, raw_server

PRODUCTION = "https://production.example.com/dlr?secret=hush"
OTHERS = "https://colleague.example.com/webhooks/delivery-receipt/fedcba9876543210"


def test_an_account_that_works_is_read_and_not_changed(tmp_path: Path) -> None:
    with run_simulator() as vonage:
        before = vonage.account
        checks = list(platform_checks(make_context(tmp_path, **account_of(vonage))))

        assert vonage.account == before
    assert outcomes(checks) == dict.fromkeys(
        ("vonage", "key", "account", "callback", "inbound", "clock"), "ok"
    )


def test_a_wrong_key_is_named_and_vonage_itself_is_ok(tmp_path: Path) -> None:
    with run_simulator() as vonage:
        wrong: ChangedSettings = {**account_of(vonage), "api_secret": SECRET}
        checks = list(platform_checks(make_context(tmp_path, **wrong)))

    key = find(checks, "key")
    assert outcomes(checks) == {
        "vonage": "ok",
        "key": "failed",
        "account": "skipped",
        "callback": "skipped",
        "inbound": "skipped",
        "clock": "ok",
    }
    assert "401" in key.what
    assert "VONAGE_API_SECRET" in key.hint
    assert all(SECRET not in check.what + check.hint for check in checks)


def test_a_dead_host_is_named(tmp_path: Path) -> None:
    host = f"127.0.0.1:{closed_port()}"
    checks = list(
        platform_checks(make_context(tmp_path, api_key="abcd1234", api_secret=SECRET, rest_host=host))
    )

    assert outcomes(checks) == {"vonage": "failed"} | dict.fromkeys(
        ("key", "account", "callback", "inbound", "clock"), "skipped"
    )
    assert f"{host} cannot be reached" in find(checks, "vonage").what


def test_a_foreign_host_is_not_asked(tmp_path: Path) -> None:
    context = make_context(tmp_path, api_key="abcd1234", api_secret=SECRET, rest_host="evil.example.com")

    assert "evil.example.com" in find(platform_checks(context), "vonage").what


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("forbidden", "403"),
        ("rate-limited", "429"),
        ("server-error", "500"),
        ("unavailable", "503"),
        ("error-in-200", "error 420"),
        ("html", "something other than a JSON object"),
    ],
)
def test_an_account_that_cannot_be_read_says_why(tmp_path: Path, fault: str, words: str) -> None:
    with run_simulator(SimulatorOptions(faults=(Fault(fault),))) as vonage:
        checks = list(platform_checks(make_context(tmp_path, **account_of(vonage))))

    assert words in find(checks, "account").what
    assert find(checks, "account").hint
    assert outcomes(checks) == {
        "vonage": "ok",
        "key": "skipped",
        "account": "failed",
        "callback": "skipped",
        "inbound": "skipped",
        "clock": "ok",
    }


def test_a_connection_that_breaks_is_no_answer(tmp_path: Path) -> None:
    with run_simulator(SimulatorOptions(faults=(Fault("hang-up"),))) as vonage:
        checks = list(platform_checks(make_context(tmp_path, **account_of(vonage))))

    assert outcomes(checks)["vonage"] == "failed"


def test_without_an_account_every_step_is_skipped_with_its_reason(tmp_path: Path) -> None:
    offline = list(platform_checks(make_context(tmp_path)))
    broken = list(platform_checks(make_context(tmp_path, mode="unknown")))
    other = list(platform_checks(make_context(tmp_path, session=SESSION)))

    assert {check.outcome for check in offline + broken + other} == {"skipped"}
    assert {check.what for check in offline} == {"offline mode needs no account"}
    assert {check.what for check in broken} == {"the settings must be fixed first"}
    assert {check.what for check in other} == {"there are no credentials to check"}


def clock_of(directory: Path, date: str) -> Check:
    body = json.dumps({"dr-callback-url": ""})
    answer = f"HTTP/1.1 200 OK\r\n{date}Content-Length: {len(body)}\r\n\r\n{body}".encode()
    with raw_server([answer]) as server:
        host = f"127.0.0.1:{server.place[1]}"
        context = make_context(directory, api_key="abcd1234", api_secret=SECRET, rest_host=host)
        return find(platform_checks(context), "clock")


@pytest.mark.parametrize(("minutes", "words"), [(-2, "120 s ahead of"), (3, "180 s behind")])
def test_a_wrong_clock_is_reported_with_its_direction(tmp_path: Path, minutes: int, words: str) -> None:
    # Half a second off either way, as the header has whole ones: the words round it.
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)

    check = clock_of(tmp_path, f"Date: {date}\r\n")

    near = [words.replace(words[:3], str(int(words[:3]) + off)) for off in (-2, -1, 0, 1, 2)]
    assert check.outcome == "failed"
    assert any(words in check.what for words in near), check.what
    assert "timedatectl" in check.hint


@pytest.mark.parametrize("date", ["", "Date: yesterday\r\n", "Date: Mon, 23 Nov 2026 12:00:00\r\n"])
def test_an_answer_without_a_usable_date_says_nothing_of_the_clock(tmp_path: Path, date: str) -> None:
    assert clock_of(tmp_path, date).outcome == "skipped"


def test_the_accounts_callback_is_judged_by_its_owner(tmp_path: Path) -> None:
    context = make_context(tmp_path)

    none, production, others = (
        url_check(context, "drCallBackUrl", current) for current in ("", PRODUCTION, OTHERS)
    )

    assert (none.outcome, production.outcome, others.outcome) == ("ok", "ok", "failed")
    assert "https://production.example.com/..." in production.what
    assert "then restores it" in production.what
    assert "https://colleague.example.com/..." in others.what
    assert "--force" in others.hint
    assert "hush" not in production.what
    assert "fedcba9876543210" not in others.what


@pytest.mark.parametrize(
    "current", ["http://[", "nonsense", "\x1b[31m", "https://user:hush@production.example.com/"]
)
def test_a_strange_callback_is_shown_safely(tmp_path: Path, current: str) -> None:
    check = url_check(make_context(tmp_path), "drCallBackUrl", current)

    assert check.outcome == "ok"
    assert check.what.isprintable()
    assert "hush" not in check.what


def test_a_callback_that_a_killed_session_left_is_reported(tmp_path: Path) -> None:
    leave_journal(tmp_path, former_url=PRODUCTION)

    left = url_check(make_context(tmp_path), "drCallBackUrl", OURS)
    given_back = url_check(make_context(tmp_path), "drCallBackUrl", PRODUCTION)

    assert (left.outcome, left.hint.partition(" (")[0]) == ("failed", "devkit restore")
    assert given_back.outcome == "ok"


def test_a_journal_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    leave_journal(tmp_path)
    (tmp_path / ".devkit" / "registration.json").write_text("{")

    assert "registration.json cannot be read" in url_check(make_context(tmp_path), "drCallBackUrl", "").what


def test_a_running_sessions_callback_is_compared_with_the_accounts(tmp_path: Path) -> None:
    session = replace(SESSION, pid=os.getpid())
    context = make_context(tmp_path, session=session)
    not_registered = url_check(context, "drCallBackUrl", PRODUCTION)
    leave_journal(tmp_path, pid=session.pid)
    ours, taken_away = (
        url_check(context, "drCallBackUrl", OURS),
        url_check(context, "drCallBackUrl", PRODUCTION),
    )

    assert (ours.outcome, not_registered.outcome, taken_away.outcome) == ("ok", "ok", "failed")
    assert "devkit send" in not_registered.what
    assert "receipts go there" in taken_away.what


def test_the_journal_of_a_killed_live_session_is_not_that_of_an_offline_one(tmp_path: Path) -> None:
    session = replace(SESSION, mode="offline", pid=os.getpid())
    leave_journal(tmp_path, pid=session.pid)

    check = url_check(make_context(tmp_path, session=session), "drCallBackUrl", "")

    assert check.outcome == "ok"
    assert "this session did not set" not in check.what


def test_an_offline_sessions_simulator_is_the_account(tmp_path: Path) -> None:
    with run_simulator() as simulator:
        session = replace(
            SESSION,
            mode="offline",
            rest_host=simulator.host,
            api_key=simulator.api_key,
            api_secret=simulator.api_secret,
        )
        checks = list(
            platform_checks(make_context(tmp_path, session=session, api_key="x", api_secret=SECRET))
        )

    assert outcomes(checks) == {
        "vonage": "ok",
        "key": "ok",
        "account": "ok",
        "callback": "ok",
        "inbound": "ok",
        "clock": "skipped",
    }


def test_the_accounts_inbound_url_is_judged_too(tmp_path: Path) -> None:
    none, production, others = (
        url_check(make_context(tmp_path), "moCallBackUrl", current) for current in ("", PRODUCTION, OTHERS)
    )

    assert {each.step for each in (none, production, others)} == {"inbound"}
    assert "devkit dev --inbound sets its own" in none.what
    assert "devkit dev --inbound replaces it" in production.what
    assert others.hint.endswith("Or share: devkit dev --no-register")

    session = replace(SESSION, pid=os.getpid())
    context = make_context(tmp_path, session=session)
    assert "no inbound message comes here" in url_check(context, "moCallBackUrl", PRODUCTION).what


def application_of(directory: Path, vonage: FakeVonage, application_id: str = APPLICATION_ID) -> Context:
    account = vonage.credentials
    return make_context(
        directory,
        api_key=account.api_key,
        api_secret=account.api_secret,
        rest_host=account.host,
        application_id=application_id,
    )


def test_an_application_its_addresses_and_its_numbers_are_read(tmp_path: Path) -> None:
    with fake_vonage() as vonage:
        none = list(application_checks(application_of(tmp_path, vonage)))
        vonage.numbers = [{"msisdn": "447700900000", "features": ["SMS"], "app_id": APPLICATION_ID}]
        linked = list(application_checks(application_of(tmp_path, vonage)))
        own = {"msisdn": "447700900001", "moHttpUrl": PRODUCTION}  # of the number
        vonage.numbers.append(own)
        elsewhere = list(application_checks(application_of(tmp_path, vonage)))

        assert vonage.puts == []
    assert outcomes(none) == dict.fromkeys(("application", "status_url", "inbound_url"), "ok") | {
        "private key": "skipped"
    }
    assert "no number is linked" in find(none, "application").what
    assert "to *********000" in find(linked, "application").what
    assert "447700900000" not in find(linked, "application").what
    assert "URL of the number itself" not in find(linked, "application").what
    words = find(elsewhere, "application").what
    assert "inbound messages to *********000, *********001 come to the application" in words
    assert words.endswith("if it is SMS API, those to *********001 go to a URL of the number itself")
    assert "production.example.com" not in words  # it may hold a secret
    assert "https://production.example.com/..." in find(linked, "status_url").what


def test_an_unknown_application_is_a_failure_and_none_is_skipped(tmp_path: Path) -> None:
    with fake_vonage() as vonage:
        (unknown,) = application_checks(application_of(tmp_path, vonage, APPLICATION_ID.replace("7", "8")))
        (none,) = application_checks(application_of(tmp_path, vonage, ""))
    (offline,) = application_checks(make_context(tmp_path, application_id=APPLICATION_ID))

    assert (unknown.outcome, none.outcome, offline.outcome) == ("failed", "skipped", "skipped")
    assert "has no application" in unknown.what
    assert "VONAGE_APPLICATION_ID" in none.hint


def test_an_application_that_a_killed_session_left_is_reported(tmp_path: Path) -> None:
    left = leave_journal(tmp_path, former_url=PRODUCTION)
    project = project_in(tmp_path)
    journal = replace(left, setting="status_url", application_id=APPLICATION_ID)
    write_journal(journal_path(project.journal, "status_url"), journal)

    check = url_check(make_context(tmp_path), "status_url", OURS)

    assert check.outcome == "failed"
    assert "left its own status URL in the application: no program gets the statuses" in check.what
    assert check.hint == "devkit restore (devkit dev --application ID fixes it too)"
    journals = find(leftover_checks(make_context(tmp_path)), "journal")
    assert journals.outcome == "failed"
    assert "the account's former callback and the application's former status URL" in journals.what


def test_a_private_key_is_compared_with_that_of_the_application(tmp_path: Path) -> None:
    ours, other = make_private_key(), make_private_key()
    application = {**APPLICATION, "keys": {"public_key": public_key_of(ours)}}
    found = {}
    with fake_vonage(application) as vonage:
        for name, key in {"ours": ours, "other": other, "none": "", "missing": "gone.key"}.items():
            context = application_of(tmp_path, vonage)
            context = replace(context, settings=replace(context.settings, private_key=key))
            found[name] = find(application_checks(context), "private key")

    assert {name: check.outcome for name, check in found.items()} == {
        "ours": "ok",
        "other": "failed",
        "none": "skipped",
        "missing": "failed",
    }
    assert "belongs to the application" in found["ours"].what
    assert "is not the key that the application has now" in found["other"].what
