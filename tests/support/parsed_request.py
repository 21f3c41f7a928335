"""A callback, parsed from the bytes that a server has read."""

from devkit.webhook.callback import Callback


def received(data: bytes) -> Callback:
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    headers = tuple((name, value.removeprefix(" ")) for name, _, value in pairs)
    return Callback(method, target, headers, body)
