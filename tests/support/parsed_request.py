"""A request as a server got it, as a callback."""

from devkit.webhook.callback import Callback


def received(data: bytes) -> Callback:
    """A request as a server got it, read back."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = tuple((name, value) for name, _, value in (line.partition(": ") for line in lines))
    return Callback(method, target, headers, body)
