from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from click import unstyle

from devkit.cli.event_printer import quiet_lines, session_lines
from devkit.cli.relay_lines import caught_up_text, with_relay
from devkit.events import Event, Notice
from devkit.events.relay import CaughtUp, RelayChanged
from devkit.events.session import Stopped
from tests.support.receipt_event import RECEIPT

LIVE = RelayChanged(
    "live", "rediss://ada:***@relay.example.test", "ada", kept=41202, recorded="fixtures/recorded"
)
CAUGHT_UP = CaughtUp(214, 8, 30, 176, 38, 0, 0)


def text(event: Event) -> str:
    return unstyle(raw_text(event))


def raw_text(event: Event) -> str:
    return "\n".join(with_relay(session_lines)(event, None, None))


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (CAUGHT_UP, "214 receipts came while you were away: 38 yours or nobody's, 176 for others (not kept)"),
        (CaughtUp(1, 1, 0, 0, 1, 0, 0), "1 receipt came while you were away: 1 yours or nobody's"),
        (CaughtUp(0, 0, 0, 0, 0, 0, 0), "nothing came while you were away"),
        (
            CaughtUp(1214, 8, 30, 1176, 8, 0, 0),
            "1,214 receipts came while you were away: 8 yours, 1,206 nobody's or for others (not kept)",
        ),
        (
            CaughtUp(214, 8, 30, 176, 214, 0, 0),
            "214 receipts came while you were away: 38 yours or nobody's, 176 for others",
        ),
        (
            CaughtUp(12, 8, 2, 0, 7, 3, 2),
            "12 receipts came while you were away: 10 yours or nobody's, 3 recorded before, 2 skipped",
        ),
    ],
)
def test_what_came_meanwhile_is_one_sentence(event: CaughtUp, shown: str) -> None:
    assert caught_up_text(event) == shown
    assert text(event) == f"caught up   {shown}"


def test_a_live_relay_says_since_when_it_keeps_and_who_you_are() -> None:
    event = replace(LIVE, kept_since="2026-11-17T12:00:00.000Z")

    assert text(event).splitlines() == [
        "relay       live; kept since 17 Nov, 41,202 receipts; you are ada",
        "            rediss://ada:***@relay.example.test into fixtures/recorded",
    ]
    assert "live; empty; you are ada" in text(replace(LIVE, kept=0))


def test_a_moment_of_another_day_has_its_day() -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    today = RelayChanged("reconnecting", "r", "ada", detail="The engine failed.", since=now.isoformat())
    trimmed = RelayChanged(
        "trimmed", "r", "ada", since="2020-11-24T12:00:00Z", until=(now - timedelta(0)).isoformat()
    )
    emptied = RelayChanged("emptied", "r", "ada", since="2020-11-24T12:00:00Z")

    assert text(today) == f"relay       reconnecting since {now.astimezone():%H:%M:%S}: The engine failed."
    assert text(trimmed).startswith("relay       what came from 24 Nov ")
    assert text(trimmed).endswith(f" to {now.astimezone():%H:%M:%S} is no longer kept")
    assert "from its beginning" in text(emptied)


def test_hostile_text_is_shown_and_not_obeyed() -> None:
    shown = raw_text(
        RelayChanged("reconnecting", "r", "ada", detail="\x1b[2J\u202eoops", since="2026-11-24T12:00:00Z")
    )

    assert "oops" in shown
    assert "\x1b[2J" not in shown
    assert "\u202e" not in shown


def test_other_events_are_shown_as_without_a_relay() -> None:
    assert raw_text(Notice("Hello.")) == "\n".join(session_lines(Notice("Hello."), None))
    assert with_relay(quiet_lines)(RECEIPT, None, None) == []
    assert with_relay(quiet_lines)(CAUGHT_UP, None, None) != []


def test_a_relayed_receipt_has_its_owner_and_the_time_when_the_relay_took_it() -> None:
    now = datetime.now(UTC)
    today = text(replace(RECEIPT, who="ada", recorded_at=now.isoformat()))
    earlier = text(replace(RECEIPT, who="ada", recorded_at="2026-11-16T12:00:00.000000Z"))

    assert today.startswith(f"{now.astimezone():%H:%M:%S} ")
    assert "for ada" in today
    assert earlier.startswith("Mon ")
    assert "for " not in text(RECEIPT)


def test_the_end_counts_what_was_left_out() -> None:
    assert text(Stopped(3, 40)).endswith("3 receipts recorded, 40 for others (not kept)")
    assert text(Stopped(3)).endswith("3 receipts recorded")
