"""The path of a relay's member: its token leaves the private files no more than that of a session."""

import pytest

from devkit.webhook.callback import (
    CALLBACK_PATH,
    Callback,
    has_token,
    member_token_in,
    without_secret,
    without_token,
)

TOKEN = "Ab-_" * 5 + "Zz"


@pytest.mark.parametrize(
    "path",
    [
        f"/r/{TOKEN}/ada",
        f"//r//{TOKEN}//ci.4711",
        f"/r/%41{TOKEN[1:]}/ada",
        f"https://dlr.example.com/r/{TOKEN}/ada",
    ],
)
def test_the_path_becomes_the_callback_path(path: str) -> None:
    cut = without_token(f"{path}?status=delivered")

    assert cut.endswith(f"{CALLBACK_PATH}?status=delivered")
    assert TOKEN[1:] not in cut
    assert has_token(path)


@pytest.mark.parametrize("path", ["/r/short/ada", f"/s/{TOKEN}/ada", f"/r/{TOKEN}x/ada"])
def test_another_path_stays(path: str) -> None:
    assert without_token(path) == path
    assert not has_token(path)


@pytest.mark.parametrize("target", [f"/r/{TOKEN}/ada?a=1", "/rewritten?a=1"])
def test_the_token_is_in_no_header_either(target: str) -> None:
    headers = (
        ("X-Original-URI", f"/r/{TOKEN}/ada?a=1"),
        ("Referer", f"https://dlr.example.com/r/{TOKEN}/ada"),
        ("X", "/r/"),
    )
    cut = without_secret(Callback("GET", target, headers))

    assert dict(cut.headers) == {
        "X-Original-URI": f"{CALLBACK_PATH}?a=1",
        "Referer": f"https://dlr.example.com{CALLBACK_PATH}",
        "X": "/r/",
    }


def test_the_token_of_a_callback_url_is_found() -> None:
    assert member_token_in(f"https://dlr.example.com/r/{TOKEN}/ada") == TOKEN
    assert member_token_in("https://dlr.example.com/r/short/ada") == member_token_in("") == ""
