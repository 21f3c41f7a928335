from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.fixture.format import load
from devkit.fixture.store import samples_directory
from devkit.webhook.receipt import Receipt, Webhook
from devkit.webhook.timeline import (
    EXPIRY,
    Moment,
    Timeline,
    build_timeline,
    current_status,
    pushed_at,
    stage,
    text_status,
)
from devkit.webhook.vocabulary import STATUSES

START = datetime(2026, 11, 23, 13, 45, tzinfo=UTC)


def moment(status: str, seconds: float, *, pushed: str = "", **fields: str) -> Moment:
    values = {"status": status, "messageId": "A", **fields}
    return Moment(START + timedelta(seconds=seconds), Receipt(values | {"message-timestamp": pushed}))


def sample(name: str) -> Timeline:
    files = sorted((samples_directory() / "sequence" / name).glob("*.json"))
    fixtures = [load(file) for file in files]
    readings = [(fixture.recorded_at, fixture.read()) for fixture in fixtures]
    return build_timeline(Moment(at, reading) for at, reading in readings if isinstance(reading, Receipt))


def marks(timeline: Timeline) -> list[str]:
    return [
        "duplicate" if step.repeats is not None else "wrong order" if step.overtaken else "ok"
        for step in timeline.steps
    ]


def test_steps_have_the_time_since_the_first_and_the_previous_one() -> None:
    timeline = build_timeline([moment("accepted", 0), moment("buffered", 1.5), moment("delivered", 4)])

    assert [step.since_first.total_seconds() for step in timeline.steps] == [0, 1.5, 4]
    assert [step.since_previous for step in timeline.steps] == [
        None,
        timedelta(seconds=1.5),
        timedelta(seconds=2.5),
    ]
    assert (timeline.status, timeline.final, timeline.delay) == ("delivered", True, timedelta(seconds=4))
    assert timeline.expires_at is None


def test_receipts_are_put_in_the_order_of_recording() -> None:
    timeline = build_timeline([moment("delivered", 4), moment("accepted", 0)])

    assert [step.receipt.status for step in timeline.steps] == ["accepted", "delivered"]


def test_a_final_receipt_alone_has_no_delay() -> None:
    assert build_timeline([moment("delivered", 0)]).delay is None


def test_a_known_send_is_where_the_delay_begins() -> None:
    timeline = build_timeline([moment("delivered", 3)], sent_at=START)

    assert timeline.delay == timedelta(seconds=3)


def test_a_receipt_before_the_response_to_the_send_has_no_delay() -> None:
    timeline = build_timeline([moment("delivered", 0)], sent_at=START + timedelta(seconds=1))

    assert timeline.delay == timedelta()


def test_without_a_final_receipt_vonage_gives_up_after_72_hours() -> None:
    timeline = build_timeline([moment("accepted", 0), moment("buffered", 5)])

    assert (timeline.final, timeline.delay) == (False, None)
    assert timeline.expires_at == START + EXPIRY == START + timedelta(hours=72)


def test_no_receipts_make_an_empty_timeline() -> None:
    assert build_timeline([]) == Timeline((), "", False, None, None)


@pytest.mark.parametrize(
    ("name", "expected", "status"),
    [
        ("accepted-buffered-delivered", ["ok", "ok", "ok"], "delivered"),
        ("out-of-order", ["ok", "wrong order"], "delivered"),
        ("late-buffered", ["ok", "ok", "wrong order"], "delivered"),
        ("duplicated", ["ok", "duplicate"], "delivered"),
        ("expired", ["ok", "ok"], "expired"),
        ("accepted-only", ["ok"], "accepted"),
    ],
)
def test_the_samples_sequences_are_judged(name: str, expected: list[str], status: str) -> None:
    timeline = sample(name)

    assert marks(timeline) == expected
    assert timeline.status == status


def test_a_push_of_the_same_receipt_with_a_new_time_and_signature_is_a_duplicate() -> None:
    first = moment("delivered", 0, pushed="2026-11-23 13:45:00", sig="a", nonce="b", timestamp="1")
    again = moment("delivered", 60, pushed="2026-11-23 13:46:00", sig="c", nonce="d", timestamp="2")

    step = build_timeline([first, again]).steps[1]
    assert (step.repeats, step.contradicts) == (0, False)


def test_the_same_status_with_another_field_is_no_duplicate() -> None:
    timeline = build_timeline([moment("failed", 0, price="0.1"), moment("failed", 1, price="0.2")])

    assert timeline.steps[1].repeats is None


def test_of_two_receipts_of_one_stage_the_one_pushed_earlier_came_too_late() -> None:
    late = moment("accepted", 5, pushed="2026-11-23 13:45:00", scts="1")
    timeline = build_timeline([moment("accepted", 0, pushed="2026-11-23 13:45:03"), late])

    assert marks(timeline) == ["ok", "wrong order"]


def test_of_two_receipts_that_were_pushed_in_the_same_second_neither_is_late() -> None:
    pushed = "2026-11-23 13:45:00"
    timeline = build_timeline(
        [moment("accepted", 0, pushed=pushed), moment("accepted", 1, pushed=pushed, scts="1")]
    )

    assert marks(timeline) == ["ok", "ok"]


def test_two_different_final_statuses_contradict_each_other() -> None:
    timeline = build_timeline([moment("expired", 0), moment("delivered", 1)])

    assert [step.contradicts for step in timeline.steps] == [False, True]
    assert timeline.status == "delivered"


def test_a_status_that_no_document_lists_is_neither_final_nor_out_of_order() -> None:
    timeline = build_timeline([moment("teleported", 0), moment("accepted", 1)])

    assert (timeline.status, timeline.final) == ("teleported", False)
    assert marks(timeline) == ["ok", "ok"]


@pytest.mark.parametrize("status", STATUSES)
def test_each_documented_status_has_a_stage(status: str) -> None:
    assert (stage(status) == "final") == STATUSES[status].final
    assert stage(status) != "other"


def test_the_furthest_status_counts_and_the_latest_of_equals() -> None:
    assert current_status(["accepted", "delivered", "buffered"]) == "delivered"
    assert current_status(["failed", "delivered"]) == "delivered"
    assert current_status([]) == ""


statuses = st.sampled_from([*STATUSES, "teleported", ""])


@given(st.lists(st.tuples(statuses, st.integers(0, 10**6)), min_size=1))
def test_any_receipts_make_a_timeline_in_order(drawn: list[tuple[str, int]]) -> None:
    timeline = build_timeline(moment(status, seconds) for status, seconds in drawn)

    assert len(timeline.steps) == len(drawn)
    assert sorted(step.at for step in timeline.steps) == [step.at for step in timeline.steps]
    assert timeline.final == any(stage(status) == "final" for status, _ in drawn)
    assert (timeline.expires_at is None) == timeline.final
    assert all(step.repeats is None or step.repeats < place for place, step in enumerate(timeline.steps))


def test_a_late_duplicate_is_not_marked_as_out_of_order_too() -> None:
    timeline = build_timeline([moment("accepted", 0), moment("delivered", 1), moment("accepted", 60)])

    assert (timeline.steps[2].repeats, timeline.steps[2].overtaken) == (0, False)


ANY_STATUS = ("accepted", "buffered", "delivered", "failed", "odd")


@given(
    st.lists(
        st.tuples(st.sampled_from(ANY_STATUS), st.integers(0, 5), st.sampled_from("AB"), st.booleans()),
        max_size=8,
    )
)
def test_each_step_is_compared_with_all_before_it(drawn: list[tuple[str, int, str, bool]]) -> None:
    moments = [
        moment(status, place, pushed=f"2026-11-23 13:45:{pushed:02}" if known else "", note=note)
        for place, (status, pushed, note, known) in enumerate(drawn)
    ]

    steps = build_timeline(moments).steps

    for place, step in enumerate(steps):
        before = [each.receipt for each in steps[:place]]
        same = [each for each, receipt in enumerate(before) if said(receipt) == said(step.receipt)]
        finals = {receipt.status for receipt in before if stage(receipt.status) == "final"}
        assert step.repeats == (same[0] if same else None)
        assert step.overtaken == (not same and any(is_ahead(receipt, step.receipt) for receipt in before))
        assert step.contradicts == (
            stage(step.receipt.status) == "final" and bool(finals) and step.receipt.status not in finals
        )


def said(receipt: Webhook) -> dict[str, object]:
    return {name: value for name, value in receipt.fields.items() if name != "message-timestamp"}


def is_ahead(earlier: Webhook, receipt: Webhook) -> bool:
    """Whether the one that arrived earlier is further on, or else was pushed later."""
    order = ["accepted", "buffered", "final"]
    stages = stage(earlier.status), stage(receipt.status)
    if "other" not in stages and stages[0] != stages[1]:
        return order.index(stages[0]) > order.index(stages[1])
    pushed = pushed_at(earlier), pushed_at(receipt)
    return pushed[0] is not None and pushed[1] is not None and pushed[0] > pushed[1]


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        (["delivered", "delivered"], "delivered"),
        (["delivered", "accepted"], "accepted"),
        (["buffered", "delivered", "accepted"], "accepted"),
        (["delivered", "failed"], "failed"),
        (["failed", ""], "failed"),
        (["delivered", ""], "sent"),
        (["delivered", "teleported"], "teleported"),
        (["accepted"], "accepted"),
        ([""], ""),
    ],
)
def test_a_text_has_the_status_of_the_part_that_matters_most(parts: list[str], status: str) -> None:
    assert text_status(parts) == status
