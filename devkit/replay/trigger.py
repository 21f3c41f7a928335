"""Makes a new receipt with any status and err-code, as Vonage would, and sends it. The time is an argument."""

from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import ClassVar, Self

from devkit.errors import UsageError
from devkit.events import Event
from devkit.http.address import Address, Destination, path_of, readdress
from devkit.http.client import Connection
from devkit.replay.send import Replayed, ReplayOutcome, Rules, attempt
from devkit.webhook.callback import CALLBACK_PATH, TRIGGER_HEADER, Transport, compose
from devkit.webhook.receipt_fields import change_fields, make_fields
from devkit.webhook.signature import Signer, sign_fields
from devkit.webhook.vocabulary import ERR_CODES, STATUSES, WITHOUT_ERROR, ErrCode


@dataclass(frozen=True, slots=True)
class Triggered(Event):
    """A new receipt was sent, or could not be. The fields are as in `send.Replayed`."""

    name: ClassVar[str] = "triggered"
    message_id: str
    status: str
    err_code: str
    outcome: ReplayOutcome
    answer: int | None
    ms: float | None
    problem: str
    hint: str

    @classmethod
    def of(cls, sent: Replayed, err_code: str) -> Self:
        """The same result for a new receipt."""
        same = {name: getattr(sent, name) for name in cls.__match_args__ if name != "err_code"}
        return cls(err_code=err_code, **same)


_NO_ACCOUNT = "abcd1234"


@dataclass(frozen=True, slots=True)
class NewReceipt:
    """A receipt to make. err_code: empty for the default of the status. sets, unsets: fields to change."""

    status: str
    err_code: str = ""
    sets: tuple[tuple[str, str], ...] = ()
    unsets: tuple[str, ...] = ()

    def fields(
        self,
        message_id: str,
        now: datetime,
        *,
        api_key: str = "",
        signer: Signer | None = None,
        nonce: str = "",
    ) -> dict[str, str]:
        """Its fields. api_key: the account; a made-up one when empty. nonce: for the signature."""
        fields = make_fields(
            self.status,
            self.err_code or default_err_code(self.status),
            message_id=message_id,
            pushed_at=now,
            api_key=api_key or _NO_ACCOUNT,
        )
        fields = change_fields(fields, dict(self.sets), self.unsets)
        return sign_fields(fields, signer, now, nonce, self.unsets) if signer else fields


def send_fields(fields: dict[str, str], transport: Transport, address: Address, timeout: float) -> Replayed:
    """Send a new receipt. Raises UsageError as `replay`."""
    target = path_of(address) or CALLBACK_PATH
    callback = readdress(compose(fields, transport), Destination(address.netloc, target, mark=TRIGGER_HEADER))
    with Connection(address, timeout=timeout) as connection:
        return attempt(connection, callback, Rules(timeout=timeout, renewed=True))


def default_err_code(status: str) -> str:
    """The err-code of a status by default: 0 for accepted, buffered and delivered, else 1 (unknown)."""
    return "0" if status in WITHOUT_ERROR else "1"


def parse_err_code(text: str) -> str:
    """The number of an err-code, from that number or its name (`absent-subscriber-temporary`). Raises UsageError.

    An undocumented number is valid: the platform sends some.
    """
    if text.isdecimal() and text.isascii():
        return text
    names = {code.slug: number for number, code in ERR_CODES.items()}
    slug = ErrCode(text).slug
    if slug in names:
        return names[slug]
    near = get_close_matches(slug, names, 6, 0.5) or names
    raise UsageError(f"No err-code is called {text!r}.", hint=f"Use its number, or one of: {', '.join(near)}")


def notices(status: str, err_code: str) -> list[str]:
    """Notices about an undocumented status or err-code. Both can be sent: Vonage sends undocumented ones, too."""
    found = []
    if status not in STATUSES:
        near = get_close_matches(status, STATUSES, 1)
        question = f"; did you mean {near[0]!r}?" if near else f" ({', '.join(STATUSES)})"
        found.append(f"{status!r} is not a status that Vonage documents{question}")
    if err_code not in ERR_CODES:
        found.append(f"{err_code!r} is not an err-code that Vonage documents")
    return found
