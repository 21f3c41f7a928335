"""Inbound messages: which parts belong to one text, what is missing, and the conversation that they are part of."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from devkit.inspector.conversation import JoinedText, join_texts
from devkit.inspector.row import Inbound, Row

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def row(
    text: str,
    part: int = 0,
    parts: int = 0,
    *,
    at: int = 0,
    reference: str = "222",
    message: str = "",
    **changes: str,
) -> Row:
    """The row of an inbound message that arrived some seconds after noon."""
    message = message or f"M{reference}{part}{text[:3]}"
    made = Row(
        f"key-{at:06}-{message}",
        NOON + timedelta(seconds=at),
        message,
        "inbound",
        "",
        "447700900000",
        "",
        "get",
        "absent",
        "",
        "",
        sender="447700900001",
        kind="sms-inbound",
        inbound=Inbound(text, "text", reference if part else "", part, parts),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def read(text: JoinedText) -> str:
    return "".join(words or f"[{','.join(map(str, missing))}]" for words, missing in text.pieces)


def test_parts_are_joined_in_the_order_of_the_text() -> None:
    (text,) = join_texts([row("b", 2, 3), row("c", 3, 3, at=1), row("a", 1, 3, at=2)])

    assert read(text) == "abc"
    assert [each.inbound.part for each in text.rows if each.inbound] == [2, 3, 1]  # as they arrived
    assert (text.missing, text.is_late, text.total) == ([], True, 3)


def test_missing_parts_are_named_where_they_belong() -> None:
    (text,) = join_texts([row("b", 2, 5), row("d", 4, 5, at=1)])

    assert read(text) == "[1]b[3]d[5]"
    assert text.missing == [1, 3, 5]


def test_a_part_that_is_sent_again_is_the_same_part() -> None:
    (text,) = join_texts([row("a", 1, 2), row("b", 2, 2, at=1), row("a", 1, 2, at=60)])

    assert read(text) == "ab"
    assert (len(text.rows), len(text.parts), text.is_late) == (3, 2, False)


def test_a_reference_that_is_used_again_begins_a_new_text() -> None:
    first = [row("a", 1, 2), row("b", 2, 2, at=1)]
    second = [row("c", 1, 2, at=9), row("d", 2, 2, at=10)]

    assert [read(text) for text in join_texts(first + second)] == ["ab", "cd"]


def test_a_part_that_comes_a_day_later_is_of_another_text() -> None:
    late = row("b", 2, 2, at=25 * 3600)

    assert [read(text) for text in join_texts([row("a", 1, 2), late])] == ["a[2]", "[1]b"]
    assert [read(text) for text in join_texts([row("a", 1, 2), replace(late, at=NOON)])] == ["ab"]


def test_texts_of_other_people_numbers_and_channels_stay_apart() -> None:
    others = [
        row("b", 2, 2, sender="447700900002"),
        row("b", 2, 2, msisdn="447700900009"),
        row("b", 2, 2, channel="whatsapp"),
        row("b", 2, 2, reference="223"),
        row("b", 2, 3),
    ]

    assert [read(text) for text in join_texts([row("a", 1, 2), *others])] == [
        "a[2]",
        "[1]b",
        "[1]b",
        "[1]b",
        "[1]b",
        "[1]b[3]",
    ]


def test_whole_messages_are_texts_of_their_own_and_their_duplicates_are_not() -> None:
    texts = join_texts([row("hi", message="A"), row("hi", message="B", at=1), row("hi", message="A", at=2)])

    assert [(read(text), len(text.rows), text.total) for text in texts] == [("hi", 2, 0), ("hi", 1, 0)]


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 5), st.sampled_from(["1", "2"]), st.text(max_size=3)),
        max_size=12,
    )
)
def test_no_message_is_lost_or_shown_twice(given: list[tuple[int, int, str, str]]) -> None:
    rows = [
        row(
            text,
            part if 0 < part <= parts else 0,
            parts if 0 < part <= parts else 0,
            at=at,
            reference=reference,
            message=f"M{at}",
        )
        for at, (part, parts, reference, text) in enumerate(given)
    ]

    texts = join_texts(rows)

    assert sorted(each.key for text in texts for each in text.rows) == sorted(each.key for each in rows)
    for text in texts:
        assert {len(missing) for words, missing in text.pieces if not words} <= set(range(1, 6))
        numbers = [each.inbound.part for each in text.parts if each.inbound]
        assert sorted([*numbers, *text.missing]) == list(range(1, text.total + 1)) or text.total == 0
