"""Opens connections to where callbacks are sent: to this machine only, unless a user allows others."""

import socket
from collections.abc import Sequence
from dataclasses import replace

from devkit.errors import PushError, UsageError
from devkit.http.address import Address
from devkit.http.local_access import is_loopback, is_private

# What getaddrinfo returns: family, type, protocol, canonical name, socket address.
_AddressInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


def connect(address: Address, timeout: float) -> socket.socket:
    """A new connection, which does not block. timeout: seconds.

    Raises PushError when there is none, UsageError for a remote address that is not allowed.
    """
    try:
        found = _resolve(address)
        # Connect to the same addresses that were checked: the name may resolve to others a moment later.
        if not _are_allowed(address, found):
            raise UsageError(
                f"{address} is not on this machine{_widened(address)}; receipts hold phone numbers.",
                hint="Add --allow-remote if you mean it.",
            )
        connection = _connect_first(found, timeout)
    except (OSError, UnicodeError) as error:
        raise _unreachable(address, error) from error
    if address.scheme == "https":
        connection = _start_tls(connection, address)
    connection.setblocking(False)
    return connection


def why_not_allowed(address: Address) -> str:
    """Why callbacks must not be sent to an address; empty if they may be. `connect` checks it again."""
    try:
        is_allowed = _are_allowed(address, _resolve(address))
    except (OSError, UnicodeError) as error:
        # A container has no name before it runs.
        return "" if address.allow_private else f"its name is not known ({_reason(error)})"
    return (
        "" if is_allowed else f"it is not on this machine{_widened(address)}, and receipts hold phone numbers"
    )


def _resolve(address: Address) -> Sequence[_AddressInfo]:
    # A URL is ASCII, so the host can be bytes: for text Python loads its tables of international host names.
    return socket.getaddrinfo(address.host.encode("ascii"), address.port, type=socket.SOCK_STREAM)


def _are_allowed(address: Address, found: Sequence[_AddressInfo]) -> bool:
    is_allowed = is_private if address.allow_private else is_loopback
    return address.allow_remote or all(is_allowed(str(sockaddr[0])) for *_, sockaddr in found)


def _widened(address: Address) -> str:
    return " or in a private network" if address.allow_private else ""


def _connect_first(found: Sequence[_AddressInfo], timeout: float) -> socket.socket:
    failure: OSError = OSError("no address")
    for family, kind, protocol, _, sockaddr in found:
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(timeout)
            connection.connect(sockaddr)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        except OSError as error:
            connection.close()
            failure = error
    raise failure


def _start_tls(connection: socket.socket, address: Address) -> socket.socket:
    import ssl  # only here, because it takes as long to import as all the rest

    try:
        return ssl.create_default_context().wrap_socket(connection, server_hostname=address.host)
    except ssl.SSLCertVerificationError as error:
        raise PushError(
            f"The certificate of {address} is not accepted ({error.verify_message}).",
            hint="Set SSL_CERT_FILE to the certificate of its authority, or use http.",
            reason="unreachable",
        ) from error
    except OSError as error:
        is_plain = isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER"
        reason = "it answers in plain http" if is_plain else _reason(error)
        raise PushError(
            f"{address} does not speak https ({reason}).",
            hint=f"If your application speaks plain http, use {replace(address, scheme='http')}",
            reason="unreachable",
        ) from error


def _unreachable(address: Address, error: Exception) -> PushError:
    return PushError(
        f"Nobody answers at {address} ({_reason(error)}).",
        hint="Start your application, or name its address with --to http://127.0.0.1:PORT/path",
        reason="unreachable",
    )


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
