import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.errors import ConfigurationError
from devkit.tunnel.types import given_url, no_tunnel, url_problem


def test_importing_the_tunnel_does_not_import_pyngrok() -> None:
    program = "import sys, devkit.tunnel.ngrok; sys.exit('pyngrok' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=30).returncode == 0


def test_no_tunnel_is_the_local_address() -> None:
    with no_tunnel()("http://127.0.0.1:3000/") as opened:
        assert opened.public_url == "http://127.0.0.1:3000"


def test_a_given_url_is_taken_without_its_slash() -> None:
    with given_url(" https://dlr.example.com/base/ ")("http://127.0.0.1:3000") as opened:
        assert opened.public_url == "https://dlr.example.com/base"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://dlr.example.com", "is plain http"),
        ("http://127.0.0.1.example.com", "is plain http"),
        ("dlr.example.com", "is not an https URL"),
        ("ftp://dlr.example.com", "is not an https URL"),
        ("https://", "is not an https URL"),
        ("https://dlr.example.com/a b", "is not an https URL"),
        ("https://dlr.example.com:port", "is not a URL"),
        ("https://[::1", "is not a URL"),
        ("https://dlr.example.com/?a=1", "has a query"),
        ("https://dlr.example.com/#a", "has a query or a fragment"),
        ("https://user:secret@dlr.example.com", "holds a user name"),
    ],
)
def test_a_given_url_that_vonage_could_not_use_is_refused(url: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as caught:
        given_url(url)

    assert caught.value.hint
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:3000", "http://127.0.0.1:3000", "http://[::1]:3000"])
def test_plain_http_is_taken_on_loopback(url: str) -> None:
    assert url_problem(url) == ""


@given(st.text())
def test_any_text_is_judged_as_a_public_url(text: str) -> None:
    for url in (text, f"https://{text}", f"http://{text}"):
        assert url_problem(url) or url.startswith(
            ("https://", "http://localhost", "http://127.0.0.1", "http://[::1]")
        )
