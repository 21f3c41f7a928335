"""https for the simulator: its certificates, and connections that accept TLS and plain HTTP."""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from devkit.durable import files as durable
from devkit.durable.lock import in_turn
from devkit.durable.regular_file import read_regular_file
from devkit.errors import ConfigurationError
from devkit.http.channel import Channel
from devkit.simulator.occurrences import Observer, TlsHandshakeFailed

# The others are Vonage's own: a hosts file can send a program here that knows no other names.
_HOSTS = ["localhost", "rest.nexmo.com", "api.nexmo.com"]
_ADDRESSES = ["127.0.0.1", "::1"]

_LIFETIME = timedelta(days=820)  # Apple's systems refuse a certificate of more than 825 days
_SPARE = timedelta(days=7)  # no session is longer
_EARLIER = timedelta(days=1)  # for clocks that are late

_MAX_SIZE = 4 * 1024 * 1024  # bytes; certifi's file has some hundred thousand


@dataclass(frozen=True, slots=True)
class Trust:
    """The files of a certificate. identity: the server's key and certificates, private.

    authority: the certificate to trust. bundle: the authorities that programs usually trust, and this one.
    """

    identity: Path
    authority: Path
    bundle: Path

    def context(self) -> ssl.SSLContext:
        """The server's side of TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.identity)
        return context


def trust_in(directory: Path, now: datetime) -> Trust:
    """The files in a directory; created if they are missing, broken or about to expire. Raises ConfigurationError.

    The certificate to trust changes only together with the key.
    """
    trust = Trust(directory / "server.pem", directory / "ca.pem", directory / "bundle.pem")
    try:
        durable.make_directory(directory)
        with in_turn(directory):
            authority = authority_of(_identity(trust.identity, now))
            _write(trust.authority, authority)
            _write(trust.bundle, _usually_trusted() + authority)
    except OSError as error:
        raise ConfigurationError(
            f"Cannot keep certificates in {directory}: {error.strerror}.",
            hint="Make it a directory that you can write to, or leave out --tls.",
        ) from error
    return trust


def _identity(path: Path, now: datetime) -> bytes:
    with suppress(FileNotFoundError):
        kept = read_regular_file(path, _MAX_SIZE)
        if is_usable(kept, now):
            return kept
    issued = issue(now)
    durable.replace(path, issued)
    return issued


def _write(path: Path, data: bytes) -> None:
    with suppress(FileNotFoundError):
        if read_regular_file(path, _MAX_SIZE) == data:
            return
    durable.replace(path, data)


def _usually_trusted() -> bytes:
    # What requests trusts without REQUESTS_CA_BUNDLE: a program that uses the bundle can still reach other hosts.
    import certifi

    return Path(certifi.where()).read_bytes()


# trustme and cryptography take long to import, and only https needs them.


def issue(now: datetime) -> bytes:
    """A new server key, its certificate, and its authority's certificate, as PEM in this order.

    The authority's key is not kept: it signs this certificate and no other. So it does no harm that trustme makes
    authorities that do not expire.
    """
    import trustme

    project_only = "authority of this project only"
    authority = trustme.CA(
        organization_name="devkit simulator", organization_unit_name=project_only, path_length=0
    )
    server = authority.issue_cert(
        *_HOSTS,
        *_ADDRESSES,
        organization_name="devkit simulator",
        organization_unit_name="server",
        not_before=now - _EARLIER,
        not_after=now + _LIFETIME,
    )
    return server.private_key_and_cert_chain_pem.bytes() + authority.cert_pem.bytes()


def authority_of(issued: bytes) -> bytes:
    """The certificate to trust, as PEM."""
    return issued[issued.rindex(b"-----BEGIN CERTIFICATE-----") :]


def is_usable(issued: bytes, now: datetime) -> bool:
    """Whether this came from `issue`, for the present host names, and is valid for another session."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        server, authority = x509.load_pem_x509_certificates(issued)
        server.verify_directly_issued_by(authority)
        key = serialization.load_pem_private_key(issued, None)
        names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound):
        return False
    hosts = names.get_values_for_type(x509.DNSName)
    addresses = list(map(str, names.get_values_for_type(x509.IPAddress)))
    return (
        key.public_key() == server.public_key()
        and (hosts, addresses) == (_HOSTS, _ADDRESSES)
        and server.not_valid_before_utc <= now <= server.not_valid_after_utc - _SPARE
    )


_TLS_HANDSHAKE = (
    b"\x16"  # first byte of a TLS connection (RFC 8446, section 5.1); no HTTP method begins with it
)


class _Incomplete(Exception):
    """There is nothing to read until more bytes have arrived."""


class TlsChannel(Channel):
    """A connection of the HTTP server that accepts TLS and plain HTTP. Its first byte says which.

    The server's loop never waits for a handshake, so a slow one delays no other connection. The server's limits and
    timeouts apply to it.
    """

    socket: Any  # waitress's own, which has no types

    context: ssl.SSLContext
    report: Callable[[str], None]  # called with the reason of a failed handshake
    opened = False  # whether it is known to be plain, or the handshake is complete

    def handle_read(self) -> None:
        with suppress(_Incomplete):  # waitress regards BlockingIOError as a broken connection
            super().handle_read()

    def recv(self, size: int) -> bytes:
        try:
            if not self.opened:
                self._open()
            data: bytes = super().recv(size)
            if isinstance(self.socket, ssl.SSLSocket) and (decrypted := self.socket.pending()):
                data += self.socket.recv(decrypted)  # the rest of a TLS record; poll() does not report it
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise _Incomplete from None
        except OSError:
            self.handle_close()
            return b""
        return data

    def send(self, data: bytes, do_close: bool = True) -> int:
        try:
            sent: int = super().send(data, do_close)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0
        except ssl.SSLError:  # the client has gone
            if do_close:
                self.handle_close()
            return 0
        return sent

    def del_channel(self, map: Any = None) -> None:  # noqa: A002  # waitress calls it before each close
        if isinstance(self.socket, ssl.SSLSocket):
            with suppress(OSError, ValueError):
                self.socket.unwrap()  # so that the client knows that nothing is missing
        super().del_channel(map)

    def _open(self) -> None:
        """Continue the handshake with the bytes that have arrived."""
        if isinstance(self.socket, ssl.SSLSocket):
            self._shake_hands(self.socket)
        elif self.socket.recv(1, socket.MSG_PEEK) == _TLS_HANDSHAKE:
            self.socket = self.context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )
            self._shake_hands(self.socket)
        self.opened = True

    def _shake_hands(self, connection: ssl.SSLSocket) -> None:
        try:
            connection.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, ssl.SSLEOFError):
            raise
        except ssl.SSLError as error:
            self.report(error.reason or "broken off")
            raise


def tls_channel(context: ssl.SSLContext, watch: Observer) -> type[TlsChannel]:
    """The class of connections for a server with this certificate.

    watch: called when a handshake fails, once for each reason: a program may try again and again.
    """
    reasons: set[str] = set()

    def report(reason: str) -> None:
        if reason not in reasons:
            reasons.add(reason)
            watch(TlsHandshakeFailed(reason))

    return type("TlsChannel", (TlsChannel,), {"context": context, "report": staticmethod(report)})
