"""An application that answers 200 to any request. When it ends it prints the number of requests."""

import re
import signal
import socket
import sys
import threading
import time
from contextlib import suppress

_RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def serve(connection: socket.socket, taken: list[None], delay: float) -> None:
    """Answer the requests of one connection until the client closes it. taken: gets an item for each."""
    data = b""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, suppress(ConnectionError):
        while part := connection.recv(65536):
            data += part
            while 0 < (end := _end(data)) <= len(data):
                data = data[end:]
                taken.append(None)
                if delay:
                    time.sleep(delay)
                connection.sendall(_RESPONSE)


def _end(data: bytes) -> int:
    """Where the first request ends; 0 while its head is incomplete."""
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return 0
    length = _LENGTH.search(data, 0, head)
    return head + 4 + (int(length[1]) if length else 0)


def main(port: int, delay: float = 0) -> None:
    """delay: seconds before each response."""
    taken: list[None] = []

    def stop(*_: object) -> None:
        print(len(taken), flush=True)
        sys.exit()

    signal.signal(signal.SIGTERM, stop)
    with socket.create_server(("127.0.0.1", port), backlog=128) as listener:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection, taken, delay), daemon=True).start()


if __name__ == "__main__":
    main(int(sys.argv[1]), *map(float, sys.argv[2:]))
