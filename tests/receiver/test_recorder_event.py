from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.events.session import Probe, ReceiptTaken, Refused
from devkit.fixture.format import Fixture
from devkit.webhook.callback import CALLBACK_PATH, REACHABILITY_HEADER, Callback, compose
from devkit.webhook.timeline import SentMessage
from tests.support.recorder import FIELDS, SECRET, RecordingSession, receipt


@pytest.fixture
def session(tmp_path: Path) -> RecordingSession:
    return RecordingSession(tmp_path)


def test_a_receipt_is_published_with_its_meaning_and_a_masked_number(session: RecordingSession) -> None:
    session.handle(receipt())

    assert session.events == [
        ReceiptTaken(
            file=str(session.files[0]),
            message_id="0A0000001234567B",
            status="failed",
            err_code="2",
            meaning="Absent Subscriber - Temporary",
            signature="absent",
            network="23410",
            latency_ms=None,
            msisdn="*********001",
            transport="form",
            problem="",
            replay=False,
            triggered=False,
            sender="AcmeInc",
        )
    ]


def test_a_probe_is_published_and_never_recorded(session: RecordingSession) -> None:
    agent = ("User-Agent", "Java\x1b[31m/1.8 " + "x" * 100)

    assert session.handle(Callback("GET", CALLBACK_PATH, (agent,)), kind="probe") == 200

    assert session.files == []
    (event,) = session.events
    assert isinstance(event, Probe)
    assert event.user_agent.startswith("Java [31m/1.8 xxx")
    assert len(event.user_agent) == 60


def test_the_own_reachability_check_is_noticed_and_not_published(session: RecordingSession) -> None:
    session.handle(Callback("GET", CALLBACK_PATH, ((REACHABILITY_HEADER, "guess"),)), kind="probe")
    assert not session.recorder.reached.is_set()
    session.events.clear()

    assert (
        session.handle(Callback("GET", CALLBACK_PATH, ((REACHABILITY_HEADER, "n0nce"),)), kind="probe") == 200
    )

    assert session.recorder.reached.is_set()
    assert session.events == []


def test_refusals_are_counted_each_reason_for_itself(tmp_path: Path) -> None:
    session = RecordingSession(tmp_path, require_signature=True, secret=SECRET)
    refused = Callback("GET", "/guess")

    for status in (404, 404, 405):
        assert session.handle(refused, kind="refused", status=status) == status
    assert session.handle(receipt()) == 401

    counts = [(event.status, event.count) for event in session.events if isinstance(event, Refused)]
    assert counts == [(404, 1), (404, 2), (405, 1), (401, 1)]
    assert session.files == []


def test_the_time_since_the_first_receipt_of_a_message_is_published(session: RecordingSession) -> None:
    for message_id in ("A", "B", "A", "", ""):
        session.handle(receipt(messageId=message_id))

    latencies = [event.latency_ms for event in session.events if isinstance(event, ReceiptTaken)]
    assert latencies == [None, None, 500, None, None]


def test_no_time_is_negative_when_the_clock_is_set_back(tmp_path: Path) -> None:
    session = RecordingSession(tmp_path, step=timedelta(hours=-1))
    for _ in range(2):
        session.handle(receipt())

    assert [event.latency_ms for event in session.events if isinstance(event, ReceiptTaken)] == [None, 0]


@given(
    number=st.sampled_from(
        ["447700900001", "+44 7700 900 001", "tel:+447700900001", "4477-0090-0001", "\t447700900001"]
    ),
    field=st.sampled_from(["msisdn", "status", "messageId", "err-code", "network-code"]),
    hostile=st.text(st.characters(categories=("Cc", "Cf", "Zl", "Zp")), max_size=5),
)
def test_no_event_shows_a_number_or_steers_a_terminal(
    tmp_path_factory: pytest.TempPathFactory, number: str, field: str, hostile: str
) -> None:
    session = RecordingSession(tmp_path_factory.mktemp("fixtures"))

    session.handle(
        compose(
            {**FIELDS, "msisdn": number, field: f"{number if field == 'msisdn' else 'x'}{hostile}"}, "json"
        )
    )

    texts = [text for event in session.events for text in event.as_json().values() if isinstance(text, str)]
    assert texts
    assert all(text.isprintable() for text in texts)
    digits = ["".join(filter(str.isdigit, text)) for text in texts if not text.endswith(".json")]
    assert not any("44770090" in text for text in digits)


def test_a_field_name_that_steers_a_terminal_does_not_reach_it(session: RecordingSession) -> None:
    session.handle(Callback("GET", f"{CALLBACK_PATH}?a%1B%5B31m%E2%80%AE=1&a%1B%5B31m%E2%80%AE=2"))

    (event,) = session.events
    assert isinstance(event, ReceiptTaken)
    assert "arrived more than once" in event.problem
    assert event.problem.isprintable()


def test_the_secret_is_in_no_repr(tmp_path: Path) -> None:
    assert SECRET not in repr(RecordingSession(tmp_path, secret=SECRET).recorder)


def test_a_duplicate_and_a_late_receipt_are_marked_and_a_replay_is_not(session: RecordingSession) -> None:
    session.handle(receipt(status="delivered"))
    session.handle(receipt(status="delivered"))
    session.handle(receipt(status="accepted"))
    session.handle(receipt(status="accepted"), kind="replay")

    orders = [event.order for event in session.events if isinstance(event, ReceiptTaken)]
    assert orders == ["", "duplicate", "late", ""]


def test_the_part_of_a_text_counts_from_its_send(tmp_path: Path) -> None:
    sent = SentMessage(datetime(2026, 11, 23, 11, 59, 59, tzinfo=UTC), ("0B", "0A0000001234567B"))
    session = RecordingSession(tmp_path, sends=dict.fromkeys(sent.parts, sent).get)

    session.handle(receipt())

    (event,) = session.events
    assert isinstance(event, ReceiptTaken)
    assert (event.part, event.parts, event.latency_ms) == (2, 2, None)
    assert event.sent_ms == 1000


def test_a_receipt_of_a_relay_is_published_as_its_receiver_took_it(session: RecordingSession) -> None:
    forwarded: list[tuple[Callback, str, str]] = []
    session.recorder.forward = lambda *args: forwarded.append(args)
    moment = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)

    for seconds, verdict in ((0, "valid"), (2, None)):
        fixture = Fixture(moment + timedelta(seconds=seconds), receipt(), signature=verdict)  # type: ignore[arg-type]
        session.recorder.publish_relayed(fixture, f"{seconds}.json", "ada")

    first, second = session.events
    assert isinstance(first, ReceiptTaken)
    assert isinstance(second, ReceiptTaken)
    assert (first.file, first.who, first.signature, first.latency_ms, first.forwarded) == (
        "0.json",
        "ada",
        "valid",
        None,
        True,
    )
    assert (second.signature, second.latency_ms, second.order) == ("unchecked", 2000, "duplicate")
    assert forwarded == [(receipt(), FIELDS["messageId"], f"{seconds}.json") for seconds in (0, 2)]
    assert session.recorder.recorded == 2
    assert session.files == []
