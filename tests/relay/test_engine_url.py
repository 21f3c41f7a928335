from pathlib import Path

import pytest

from devkit.errors import ConfigurationError
from devkit.relay.engine_url import EngineURL, parse_engine_url

PASSWORD = "p%2Fss-w0rd"


def test_a_url_has_its_parts_decoded() -> None:
    url = parse_engine_url(f"rediss://ada:{PASSWORD}@redis.example.com:6380/2")

    assert url == EngineURL("redis.example.com", 6380, "ada", "p/ss-w0rd", 2, True)


def test_a_password_is_shown_nowhere() -> None:
    url = parse_engine_url(f"rediss://ada:{PASSWORD}@redis.example.com")

    assert str(url) == "rediss://ada:***@redis.example.com:6379"
    assert "ss-w0rd" not in repr(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_this_machine_needs_no_encryption(host: str) -> None:
    assert str(parse_engine_url(f"redis://{host}:6400")) == f"redis://{host}:6400"


def test_another_machine_needs_encryption_unless_the_network_is_private() -> None:
    text = f"redis://ada:{PASSWORD}@redis.example.com"

    with pytest.raises(
        ConfigurationError, match=r"redis://ada:\*\*\*@redis.example.com:6379 is another"
    ) as error:
        parse_engine_url(text)

    assert "--allow-plain" in error.value.hint
    assert parse_engine_url(text, allow_plain=True).host == "redis.example.com"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "redis.example.com:6379",
        f"http://ada:{PASSWORD}@redis.example.com",
        f"unix://{PASSWORD}/run/redis.sock",
        f"rediss://ada:{PASSWORD}@:6379",
        f"rediss://ada:{PASSWORD}@redis.example.com:70000",
        f"rediss://ada:{PASSWORD}@redis.example.com/first",
        f"rediss://ada:{PASSWORD}@redis\u202e.example.com",
        f"rediss://ada:{PASSWORD}@redis.example.com/0?ssl_cert_reqs=none",
        f"rediss://ada:{PASSWORD}@redis.example.com/0?socket_timeout=999",
    ],
)
def test_any_other_text_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse_engine_url(text)

    assert "DEVKIT_RELAY" in error.value.message
    assert error.value.hint
    assert "ss-w0rd" not in error.value.message + error.value.hint


def test_an_authority_of_ones_own_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("")
    url = f"rediss://redis.example.com?ssl_ca_certs={file}"

    assert parse_engine_url(url).authority == str(file)
    file.unlink()
    with pytest.raises(ConfigurationError, match="not a file"):
        parse_engine_url(url)
