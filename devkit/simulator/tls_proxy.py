"""One port for https and plain http: takes TLS off and passes the bytes to a plain listener behind it.

The HTTP server, waitress, has no TLS. Nothing here knows HTTP.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from devkit.http.local_access import is_loopback
from devkit.simulator.state import Observer, TlsHandshakeFailed

_MOST = 256  # connections at once; others wait in the listener's queue
_HELLO = 10.0  # seconds for the first byte, and for the TLS handshake
_GOODBYE = 0.5  # seconds for the other side to hear that a connection ends
_PAUSE = 0.1  # seconds before the next connection is taken when the system had no room for one
_CHUNK = 64 * 1024

_TLS_HANDSHAKE = b"\x16"  # first byte of a TLS connection (RFC 8446, section 5.1); no HTTP method begins so

_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextmanager
def front(
    listener: socket.socket, inner: tuple[str, int], context: ssl.SSLContext, watch: Observer
) -> Iterator[None]:
    """Serve while the block runs, programs on this machine only; takes ownership of the listener.

    inner: where the plain listener is. watch: told of each handshake that fails.
    """
    # The selector's loop, on Windows too: only that one can wait for a byte and leave it where it is.
    loop = asyncio.SelectorEventLoop()
    closing = asyncio.Event()
    serving = _Front(loop, listener, inner, context, watch).serve(closing)
    thread = threading.Thread(target=_run, args=(loop, serving), name="simulator-tls", daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(closing.set)
        thread.join()


def _run(loop: asyncio.AbstractEventLoop, serving: Awaitable[None]) -> None:
    try:
        loop.run_until_complete(serving)
    finally:
        loop.close()


@dataclass(slots=True)
class _Front:
    loop: asyncio.AbstractEventLoop
    listener: socket.socket
    inner: tuple[str, int]
    context: ssl.SSLContext
    watch: Observer
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MOST))
    conversations: dict[asyncio.Task[None], socket.socket] = field(default_factory=dict)

    async def serve(self, closing: asyncio.Event) -> None:
        self.listener.setblocking(False)
        accepting = self.loop.create_task(self._accept())
        await closing.wait()
        accepting.cancel()
        await asyncio.gather(accepting, return_exceptions=True)
        self.listener.close()
        # Not cancelled but hung up: each conversation then ends by itself, and closes what it has opened.
        for connection in self.conversations.values():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        if self.conversations:
            _, late = await asyncio.wait(self.conversations, timeout=2 * _GOODBYE)
            for conversation in late:
                conversation.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _accept(self) -> None:
        while True:
            await self.room.acquire()
            await self._readable(self.listener)
            try:
                # Not the loop's own way: cancelled, it forgets a connection that it has just taken, and leaves it open.
                connection, peer = self.listener.accept()
            except OSError as error:
                self.room.release()
                if not isinstance(error, BlockingIOError):  # no file descriptor was left for it
                    await asyncio.sleep(_PAUSE)
                continue
            conversation = self.loop.create_task(self._converse(connection, str(peer[0])))
            self.conversations[conversation] = connection
            conversation.add_done_callback(self._ended)

    def _ended(self, conversation: asyncio.Task[None]) -> None:
        del self.conversations[conversation]
        self.room.release()

    async def _converse(self, connection: socket.socket, peer: str) -> None:
        # To the listener behind everybody is a program on this machine, so only those are let through.
        with connection, suppress(OSError, TimeoutError):
            if is_loopback(peer):
                reader, writer = await self._open(connection)
                try:
                    await self._exchange(reader, writer)
                finally:
                    await _close(writer)

    async def _open(self, connection: socket.socket) -> _Streams:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        first = await asyncio.wait_for(self._peek(connection), _HELLO)
        if not first:
            raise ConnectionAbortedError
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        secure = first == _TLS_HANDSHAKE
        try:
            transport, _ = await self.loop.connect_accepted_socket(
                lambda: protocol,
                connection,
                ssl=self.context if secure else None,
                ssl_handshake_timeout=_HELLO if secure else None,
                ssl_shutdown_timeout=_GOODBYE if secure else None,
            )
        except ssl.SSLError as error:
            self.watch(TlsHandshakeFailed(error.reason or "broken off"))
            raise
        return reader, asyncio.StreamWriter(transport, protocol, reader, self.loop)

    async def _readable(self, connection: socket.socket) -> None:
        ready = asyncio.Event()
        self.loop.add_reader(connection, ready.set)
        try:
            await ready.wait()
        finally:
            self.loop.remove_reader(connection)

    async def _peek(self, connection: socket.socket) -> bytes:
        """The first byte, which stays where it is; empty when the other side has gone."""
        await self._readable(connection)
        return connection.recv(1, socket.MSG_PEEK)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass bytes both ways until the listener behind closes: it knows when a conversation is over."""
        inner_reader, inner_writer = await asyncio.open_connection(*self.inner)
        asking = self.loop.create_task(_ask(reader, inner_writer))
        try:
            await _pass(inner_reader, writer)
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await _close(inner_writer)


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await _pass(reader, writer)
    except OSError:  # the client broke off; then nobody waits for the answer
        writer.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        await asyncio.wait_for(writer.wait_closed(), _GOODBYE)
    except (OSError, TimeoutError):  # the other side has gone, or reads no more
        writer.transport.abort()
