import json
import re
from dataclasses import replace
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.cli.event_printer import quiet_lines, reporting, session_lines
from devkit.cli.output import style
from devkit.events import Event, Notice
from devkit.events.session import (
    CommandEnded,
    NotRecorded,
    Probe,
    Ready,
    Refused,
    Registered,
    Restored,
    Sent,
    SimulatorAddress,
    Stopped,
    TunnelChanged,
)
from devkit.session.signals import Shutdown
from tests.support.receipt_event import RECEIPT

DEADLINE = 20  # seconds
OWN_STYLES = re.compile(r"\x1b\[(?:0|1|3[0-7]|9[0-7])m")
READY = Ready(
    mode="offline",
    public_url="http://127.0.0.1:3000",
    callback_url="http://127.0.0.1:3000/webhooks/delivery-receipt/t0ken",
    local_url="http://127.0.0.1:3000",
    inspector_url="",
    recorded="fixtures/recorded",
    pid=7,
)


def test_the_directory_of_the_recordings_is_shown_as_other_paths_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = replace(READY, recorded=str(tmp_path / "fixtures" / "recorded"))

    assert f"recording  {ready.recorded}" in words(ready)
    monkeypatch.chdir(tmp_path)
    assert "recording  fixtures/recorded" in words(ready)


def words(event: Event) -> list[str]:
    """The lines of an event, without the time of day."""
    return [re.sub(r"^\d\d:\d\d:\d\d", "", click.unstyle(line)).strip() for line in session_lines(event)]


def report(*events: Event, as_json: bool = False) -> None:
    with reporting(as_json=as_json, stop=Shutdown()) as publish:
        for event in events:
            publish(event)


def test_a_receipt_is_one_line() -> None:
    assert words(RECEIPT) == [
        "failed      1234567B  +2.3 s   sig ok  *********001  network 23410  2 Absent Subscriber - Temporary"
    ]


@pytest.mark.parametrize(
    ("changes", "there", "not_there"),
    [
        ({"status": "accepted", "err_code": "0", "meaning": "Delivered"}, "accepted    1234567B  ", " 0"),
        (
            {"status": "expired", "err_code": "0", "meaning": "No reason given"},
            "  0 No reason given",
            "Absent",
        ),
        ({"message_id": "38eef590-711f-4360-a23d-80c38291eb1d"}, "  38eef590  ", "8291eb1d"),
        ({"latency_ms": None}, "1234567B", "+"),
        ({"signature": "absent"}, "failed", "sig"),
        ({"signature": "unchecked"}, "failed", "sig"),
        ({"signature": "invalid"}, "sig invalid", "ok"),
        ({"replay": True}, "replayed, not recorded again", "?"),
        ({"err_code": "", "meaning": ""}, "failed", "2 "),
    ],
)
def test_a_line_shows_the_fields_that_have_a_value(
    changes: dict[str, object], there: str, not_there: str
) -> None:
    (line,) = words(replace(RECEIPT, **changes))  # type: ignore[arg-type]

    assert there in line
    assert not_there not in line.replace("+2.3 s", "")


def test_an_unreadable_callback_is_shown_with_its_problem() -> None:
    (line,) = words(replace(RECEIPT, problem="The body is not UTF-8."))

    assert line == "unreadable  The body is not UTF-8."


@pytest.mark.parametrize(
    ("status", "color"),
    [("delivered", "green"), ("buffered", "yellow"), ("rejected", "red"), ("deleted", "magenta")],
)
def test_a_status_has_its_color(status: str, color: str) -> None:
    (line,) = session_lines(replace(RECEIPT, status=status))

    assert style(status, fg=color) in line


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        (Notice("Working offline."), ["notice      Working offline."]),
        (NotRecorded("No space.", "Make room."), ["NOT RECORDED  No space. Make room."]),
        (Probe("Java"), ["probe       someone asked whether the callback URL answers (Java)"]),
        (
            CommandEnded("notify", "x.json", "0A0000001234567B", "failed", 3),
            ["command     notify: exit code 3, for failed 1234567B"],
        ),
        (
            CommandEnded("notify", "x.json", "", "", -15),
            ["command     notify: ended by signal 15, for unreadable"],
        ),
        (
            CommandEnded("notify", "x.json", "A", "failed", None, "No such file"),
            ["command     notify: not run, No such file, for failed A"],
        ),
        (Refused(404, "not the callback path", 1), ["refused     404: not the callback path"]),
        (Refused(404, "not the callback path", 2), []),
        (TunnelChanged("open", "https://x.test"), ["tunnel      open https://x.test"]),
        (Registered("https://x.test", ""), ["registered  the account's callback; it was not set"]),
        (
            Registered("https://x.test", "https://y.test"),
            ["registered  the account's callback; it was https://y.test"],
        ),
        (Restored(""), ["restored    the account's callback: not set"]),
        (
            Restored("https://z.test", kept=True),
            ["restored    the account's callback is unchanged, because somebody else set it: https://z.test"],
        ),
        (Sent(("A", "B"), "447700900000"), ["sent        a message to *********000, 2 parts: A B"]),
        (
            Sent(("A",), "447700900000", api="messages"),
            ["sent        a message to *********000, through the Messages API"],
        ),
        (Stopped(3), ["stopped     3 receipts recorded"]),
        (Stopped(1, other_webhooks=2), ["stopped     1 receipt and 2 other webhooks recorded"]),
    ],
)
def test_each_event_has_its_line(event: Event, lines: list[str]) -> None:
    assert words(event) == lines


def test_quiet_is_what_is_ready_and_what_is_wrong_without_receipts_and_messages() -> None:
    assert quiet_lines(READY) == session_lines(READY)
    assert quiet_lines(Notice("look here")) == session_lines(Notice("look here")) != []
    assert [quiet_lines(RECEIPT), quiet_lines(Sent(("0A00",), "*********000"))] == [[], []]


def test_ready_shows_the_addresses_that_exist() -> None:
    lines = words(READY)

    assert lines[0].startswith("ready       recording delivery receipts; Ctrl-C stops")
    assert lines[1:] == [
        "mode       offline (simulator)",
        "callback   http://127.0.0.1:3000/webhooks/delivery-receipt/t0ken",
        "receiver   http://127.0.0.1:3000",
        "recording  fixtures/recorded",
    ]


def test_ready_shows_where_receipts_are_forwarded_and_whether_somebody_answers_there() -> None:
    forwarding = replace(READY, forward_url="http://localhost:5000/dlr", forward_answers=True)

    assert "forward    http://localhost:5000/dlr" in words(forwarding)
    assert "forward    http://localhost:5000/dlr (not answering yet)" in words(
        replace(forwarding, forward_answers=False)
    )


def test_ready_shows_how_to_send_through_the_simulator() -> None:
    at = SimulatorAddress("http://127.0.0.1:3050", "127.0.0.1:3050", "abcd1234", "s3cret", authority="ca.pem")

    assert words(replace(READY, simulator=at))[-1] == (
        "simulator  http:// and https://127.0.0.1:3050, key abcd1234, secret s3cret"
    )
    assert words(replace(READY, simulator=replace(at, authority="")))[-1] == (
        "simulator  http://127.0.0.1:3050, key abcd1234, secret s3cret"
    )


def test_json_is_one_object_a_line_and_notices_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    events = [READY, RECEIPT, Refused(404, "guess", 2), Restored("caf\xe9\u202e"), Stopped(1)]

    report(Notice("first\x1b[31m\nsecond"), *events, as_json=True)

    out, err = capsys.readouterr()
    assert out == "".join(json.dumps(event.as_json()) + "\n" for event in events)
    assert out.isascii()
    assert err == "first [31m second\n"


def test_for_people_notices_go_to_stderr_too(capsys: pytest.CaptureFixture[str]) -> None:
    report(Notice("a notice"), NotRecorded("No space.", ""), Stopped(1))

    out, err = capsys.readouterr()
    assert out == "stopped     1 receipt recorded\n"
    assert err.splitlines() == ["notice      a notice", "NOT RECORDED  No space."]


def test_brackets_are_not_markup(capsys: pytest.CaptureFixture[str]) -> None:
    report(Probe("[bold]x[/bold] :smile: [link=http://evil.example.com]y"))

    assert "([bold]x[/bold] :smile: [link=http://evil.example.com]y)" in capsys.readouterr().out


def test_a_long_line_is_not_broken(capsys: pytest.CaptureFixture[str]) -> None:
    report(Refused(404, "x" * 300, 1))

    assert capsys.readouterr().out.count("\n") == 1


@given(st.text(st.characters(categories=("Cc", "Cf", "Cs", "Zl", "Zp", "L")), min_size=1, max_size=30))
def test_hostile_text_does_not_steer_a_terminal(text: str) -> None:
    events: list[Event] = [
        Probe(text),
        Refused(404, text, 1),
        NotRecorded(text, text),
        TunnelChanged(text, text, text),
        Restored(text),
        replace(READY, recorded=text),
        replace(RECEIPT, status=text, message_id=text, err_code=text, msisdn=text),
        replace(RECEIPT, problem=text),
    ]

    lines = [session_lines(event) for event in events]
    assert all(lines)
    assert all(OWN_STYLES.sub("", line).isprintable() for each in lines for line in each)


def test_the_password_of_a_former_url_is_not_shown() -> None:
    url = "https://ada:p4ss@dlr.example.com/dlr"
    for event in (Registered("https://a.example.test", url), Restored(url)):
        (line,) = session_lines(event)
        assert "https://ada:***@dlr.example.com/dlr" in line
        assert "p4ss" not in line
