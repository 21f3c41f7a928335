"""Web pages in the developer's own browser: they can reach this machine, and must be refused."""

from collections.abc import Iterator

import pytest

from devkit.webhook.callback import CALLBACK_PATH, REPLAY_HEADER, Callback, to_wire
from tests.support.application import BOTH, OURS, RecordingHandler
from tests.support.raw_socket import Place, talk

# Headers that browsers add to the request of a page. A page cannot remove them.
PAGES = [
    ("Origin", "https://evil.example.com"),
    ("Origin", "null"),
    ("Origin", "http://localhost:5000"),
    ("Sec-Fetch-Site", "cross-site"),
    ("Sec-Fetch-Site", "same-site"),
    ("Sec-Fetch-Site", "same-origin"),
]


@pytest.fixture
def handler() -> RecordingHandler:
    return RecordingHandler()


@pytest.fixture(params=BOTH)
def place(request: pytest.FixtureRequest, handler: RecordingHandler) -> Iterator[Place]:
    with request.param(handler) as place:
        yield place


def status_of(place: Place, target: str, *headers: tuple[str, str]) -> int:
    given = (("Host", "127.0.0.1:3000"), *headers, ("Connection", "close"))
    return int(talk(place, to_wire(Callback("GET", f"{target}?status=delivered", given))).split()[1])


@pytest.mark.parametrize("header", PAGES)
def test_the_bare_path_is_closed_to_pages(
    place: Place, handler: RecordingHandler, header: tuple[str, str]
) -> None:
    assert status_of(place, CALLBACK_PATH, header) == 404
    assert handler.kinds == ["refused"]


def test_the_bare_path_is_open_to_what_is_typed_into_the_address_bar(
    place: Place, handler: RecordingHandler
) -> None:
    assert status_of(place, CALLBACK_PATH, ("Sec-Fetch-Site", "none")) == 200
    assert handler.kinds == ["receipt"]


def test_the_replay_header_does_not_count_when_a_page_sends_it(
    place: Place, handler: RecordingHandler
) -> None:
    assert status_of(place, OURS, PAGES[0], (REPLAY_HEADER, "1")) == 200
    assert handler.kinds == ["receipt"]
