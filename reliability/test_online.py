"""No test of this project connects to another machine: see tests/support/loopback_only.py."""

import socket

import pytest

from tests.support.loopback_only import Elsewhere, loopback_only


@pytest.mark.parametrize("place", [("192.0.2.1", 80), ("dlr.example.test", 80), ("2001:db8::1", 80)])
def test_a_connection_elsewhere_fails_immediately(place: tuple[str, int]) -> None:
    family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
    with loopback_only(), socket.socket(family, socket.SOCK_DGRAM) as connection:
        with pytest.raises(Elsewhere, match=place[0]):
            connection.connect(place)
        with pytest.raises(Elsewhere, match=place[0]):
            connection.connect_ex(place)


def test_loopback_is_allowed() -> None:
    with loopback_only(), socket.create_server(("127.0.0.1", 0)) as listener:
        socket.create_connection(listener.getsockname(), 5).close()
