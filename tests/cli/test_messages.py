"""Every message in the code is in docs/messages.md and has a hint."""

from docs.make_messages import DOCUMENT, document, messages


def test_the_list_of_messages_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "python -m docs.make_messages"


def test_every_message_has_a_hint() -> None:
    assert len(messages()) > 50
    assert [each.text for each in messages() if not each.hint] == []


def test_no_message_is_longer_than_a_line_or_two() -> None:
    assert [each.text for each in messages() if len(each.text) > 200 or "\n" in each.text] == []


def test_a_hint_that_is_a_constant_of_its_module_is_written_out() -> None:
    hints = {each.text: each.hint for each in messages()}

    assert hints["... cannot be reached (...)."].startswith("Check the network")
