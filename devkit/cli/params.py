"""Where replayed and triggered receipts go: the address, and whether devkit's own receiver has it."""

from devkit.http.address import Address, parse_address
from devkit.http.host import LOCAL_NAMES
from devkit.session.project import Session
from devkit.session.settings import Settings

_DEFAULT_PORT = 3000


def target_address(to: str, settings: Settings, *, allow_remote: bool = False) -> Address:
    """The address in `--to`, else in DEVKIT_FORWARD_TO, else devkit's port on this machine. Raises UsageError.

    Whether a named host is on this machine is found out when it is connected to.
    """
    default = f"http://127.0.0.1:{settings.port or _DEFAULT_PORT}"
    return parse_address(to or settings.forward_to or default, allow_remote=allow_remote)


def is_own_receiver(address: Address, session: Session | None) -> bool:
    """Whether it is the session's receiver that listens at the address."""
    if session is None or address.host not in LOCAL_NAMES:
        return False
    local = parse_address(session.local_url)
    return (address.scheme, address.port) == (local.scheme, local.port)
