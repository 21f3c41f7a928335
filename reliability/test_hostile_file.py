"""Hostile files and arguments: fixtures, selectors, `.env`. Each is accepted or gives an error message."""

from contextlib import suppress
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from devkit.errors import ConfigurationError, FixtureError
from devkit.fixture.format import Fixture, dumps
from devkit.fixture.redaction.plan import plan_keep
from devkit.fixture.redaction.policy import Policy
from devkit.fixture.select import select
from devkit.fixture.store import Store
from devkit.session.settings import read_settings
from reliability.fuzz import fuzz
from tests.support.strategies import fixtures


@fuzz
@given(fixtures)
def test_a_fixture_is_kept_or_refused_in_words(fixture: Fixture) -> None:
    try:
        redaction = plan_keep(fixture, Policy(bytes(32)))
    except FixtureError:
        return
    assert dumps(redaction.fixture)


@fuzz
@given(st.text(max_size=40) | st.text("./*?[]~\0-latest:09", max_size=20))
@example("\0")
@example("*\0*")
@example("../" * 3000)
@example("latest:99999999999999999999")
@example("[" * 2000)
def test_any_selector_finds_fixtures_or_says_that_there_are_none(tmp_path: Path, selector: str) -> None:
    with suppress(FixtureError):
        assert select(Store(tmp_path), [selector], here=tmp_path)


SECRET = "S1gnatureS3cretNeverShown"
lines = st.sampled_from(
    [
        *(f"VONAGE_API_SECRET={SECRET}", f"VONAGE_SIGNATURE_SECRET='{SECRET}", f"NGROK_AUTHTOKEN {SECRET}"),
        *(
            "VONAGE_API_KEY=abcd1234",
            "DEVKIT_PORT=99999",
            f"DEVKIT_CALLBACK_TOKEN={SECRET}?",
            "export A",
            "=",
            "#",
            '"',
        ),
    ]
)


@fuzz
@given(
    st.binary(max_size=60)
    | st.lists(lines | st.text(max_size=9), max_size=6).map(
        lambda some: "\n".join(some).encode("utf-8", "surrogatepass")
    )
)
def test_any_env_file_is_read_or_refused_without_its_secrets(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".env").write_bytes(content)
    try:
        words = repr(read_settings({}, tmp_path))
    except ConfigurationError as error:
        words = error.message + error.hint

    assert SECRET not in words
