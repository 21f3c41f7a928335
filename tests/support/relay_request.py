"""A request to a relay's receiver, and the team's token in its paths."""

import urllib.error
import urllib.request

from tests.support.raw_socket import DEADLINE

TEAM = "team-token-0123456789"
RECEIPT = "?msisdn=447700900001&to=AcmeInc&messageId=0A0000001234567B&status=delivered&err-code=0"


def status_of(url: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> int:
    request = urllib.request.Request(url, data, headers or {})
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
