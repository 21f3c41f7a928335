"""Every message that the code can print is in docs/messages.md, and tells what to type next."""

from docs.make_messages import DOCUMENT, document, messages


def test_the_list_of_messages_is_fresh() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "python -m docs.make_messages"


def test_every_message_says_what_to_do_next() -> None:
    assert len(messages()) > 50
    assert [each.text for each in messages() if not each.hint] == []


def test_no_message_is_longer_than_a_line_or_two() -> None:
    assert [each.text for each in messages() if len(each.text) > 200 or "\n" in each.text] == []
