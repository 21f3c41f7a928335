import pytest

from devkit.loopback import is_loopback, names_loopback


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "::1%lo"])
def test_loopback_address_is_known(address: str) -> None:
    assert is_loopback(address)
    assert names_loopback(address)


@pytest.mark.parametrize(
    "address", ["", "localhost", "192.0.2.1", "::", "2130706433", "0x7f.1", "127.1", "127.0.0.1 ", "0.0.0.0"]
)
def test_what_only_a_resolver_might_read_as_loopback_is_not(address: str) -> None:
    assert not is_loopback(address)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:3000", "127.0.0.1:0", "[::1]", "[::1]:3000", "[::ffff:127.0.0.1]:80"]
)
def test_host_of_this_machine_is_known_with_and_without_port(host: str) -> None:
    assert names_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        ":3000",
        "localhost.example.com",
        "example.com:3000",
        "127.0.0.1.example.com",
        "localhost:x",
        "[::1]x",
    ],
)
def test_host_elsewhere_is_not_this_machine(host: str) -> None:
    assert not names_loopback(host)
