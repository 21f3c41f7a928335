import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.tunnel.ngrok_errors import explain, redact

TOKEN = "2TESTtokenTESTtokenTESTtoken_5TESTtokenTESTtoken"


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_error_shows_the_authtoken(before: str, after: str) -> None:
    for words in (f"{before}{TOKEN}{after}", f"{before} {TOKEN} {after}\\nERR_NGROK_77777"):
        error = explain(words, TOKEN)

        assert TOKEN not in error.message + error.hint


@pytest.mark.parametrize(
    "words", [f"Your authtoken: {TOKEN}", "authtoken=short", f"bad {TOKEN}!", f'{{"authtoken": "{TOKEN}"}}']
)
def test_an_authtoken_of_the_users_own_configuration_is_not_shown(words: str) -> None:
    shown = redact(words, "")

    assert TOKEN not in shown
    assert "short" not in shown


def test_host_names_and_paths_are_shown() -> None:
    words = "dial tcp: lookup a-very-long-name.of-some-tunnel-host.example.com in /home/averyveryverylongusername1/x"

    assert redact(words, "") == words


def test_line_ends_of_the_log_and_control_characters_do_not_reach_the_terminal() -> None:
    error = explain("\\r\\nERROR: first\x1b[31m line.\\nsecond", "")

    assert error.message == "the ngrok agent opened no tunnel: first [31m line"


@pytest.mark.parametrize(
    "body", ["[" * 100_000, '{"details": 1}', '{"details": {"err": null}}', "\ud800", ""]
)
def test_any_answer_of_the_agent_makes_an_error(body: str) -> None:
    assert explain(body, "").hint
