"""A message is sent once, by either API, and what is said of a lost one is true."""

from collections.abc import Callable
from functools import partial

import pytest

from devkit.errors import VonageError
from devkit.vonage.client import Credentials
from devkit.vonage.sms import send_message, send_sms
from tests.support.raw_socket import closed_port, raw_server

SECRET = "s3cret-value"
TO = "447700900001"
Send = Callable[[Credentials], object]
BOTH_APIS = pytest.mark.parametrize(
    "send",
    [partial(each, to=TO, sender="AcmeInc", text="Hello") for each in (send_sms, send_message)],
    ids=["sms", "messages"],
)


def refused(send: Send, host: str) -> str:
    with pytest.raises(VonageError) as caught:
        send(Credentials("abcd1234", SECRET, host))
    error = caught.value
    assert error.hint
    assert all(private not in error.message + error.hint for private in (SECRET, TO))
    return error.message


@BOTH_APIS
@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_a_message_goes_out_once_even_when_the_line_breaks(send: Send, reply: bytes) -> None:
    with raw_server([reply], [b""], [b""]) as server:
        message = refused(send, server.host)

        assert "may have been sent" in message
        assert len(server.requests) == server.connections == 1


@BOTH_APIS
def test_a_message_to_a_host_that_refuses_the_connection_was_not_sent(send: Send) -> None:
    message = refused(send, f"127.0.0.1:{closed_port()}")

    assert "cannot be reached" in message
    assert "may have been sent" not in message
