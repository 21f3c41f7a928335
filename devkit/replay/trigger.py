"""Sends a new receipt, status or inbound message, and says what is undocumented about it."""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import ClassVar, Self

from devkit.errors import UsageError
from devkit.events import Event
from devkit.http.address import Address, Destination, path_of, readdress
from devkit.http.client import Connection
from devkit.replay.new_callback import Api, NewWebhook, Origin
from devkit.replay.result import Replayed, ReplayOutcome
from devkit.replay.send import Rules, attempt
from devkit.replay.transform import new_nonce, signer_with
from devkit.webhook.callback import CALLBACK_PATH, TRIGGER_HEADER, Callback
from devkit.webhook.receipt import Kind, Webhook
from devkit.webhook.signature import METHODS, NO_ACCOUNT, Method, Signer
from devkit.webhook.vocabulary import (
    ERR_CODES,
    INBOUND,
    MESSAGES_ERRORS,
    MESSAGES_STATUSES,
    STATUSES,
    ErrCode,
)

MESSAGES_PREFIX = "messages:"  # of a status
TOKEN = "jwt"  # how the Messages API signs
_TEXT = "Hello"


@dataclass(frozen=True, slots=True)
class Triggered(Event):
    """A new webhook was sent, or could not be. The fields are as in `result.Replayed`.

    err_code: of a receipt; the error number of a status. kind: of the webhook, see `webhook.receipt.Kind`.
    """

    name: ClassVar[str] = "triggered"
    message_id: str
    status: str
    err_code: str
    outcome: ReplayOutcome
    answer: int | None
    ms: float | None
    problem: str
    hint: str
    kind: Kind = "sms-receipt"

    @classmethod
    def of(cls, sent: Replayed, kind: Kind) -> Self:
        """The same result for a new webhook."""
        same = {name: getattr(sent, name) for name in cls.__match_args__ if name != "kind"}
        return cls(kind=kind, **same)


def parse_new(
    status: str,
    *,
    api: Api | None = None,
    err_code: str = "",
    error: str = "",
    text: str | None = None,
    sets: Mapping[str, str] | None = None,
    unsets: Collection[str] = (),
) -> NewWebhook:
    """What a user asks for. status: `delivered`, `messages:delivered` (of the Messages API), or `inbound`.

    api: default what the status says. err_code: of a receipt. error: of a status of the Messages API. text: of an
    inbound message. Raises UsageError for an option of another kind.
    """
    name = status.removeprefix(MESSAGES_PREFIX)
    if name != status and api == "sms":
        raise UsageError(f"{status!r} is of the Messages API, not of the SMS API.", hint="Omit --api sms.")
    if not name:
        raise UsageError(f"Not a status: {status!r}.", hint=f"Type one, such as {status}delivered")
    chosen = api or ("sms" if name == status else "messages")
    if text is not None and name != INBOUND:
        raise UsageError("--text is for an inbound message.", hint="Type: devkit trigger inbound --text STOP")
    if err_code and (chosen != "sms" or name == INBOUND):
        raise UsageError("--err-code is for a receipt of the SMS API.", hint=_instead(name, "--error"))
    if error and (chosen != "messages" or name == INBOUND):
        hint = _instead(name, f"--err-code, or type {MESSAGES_PREFIX}{name}")
        raise UsageError("--error is for a status of the Messages API.", hint=hint)
    return NewWebhook(name, err_code or error, sets or {}, unsets, chosen, _TEXT if text is None else text)


def parse_with_code(
    status: str, code: str, sets: Mapping[str, str] | None = None, unsets: Collection[str] = ()
) -> NewWebhook:
    """As `parse_new`, where one value is the err-code of a receipt or the error of a status, as number or name."""
    if status.startswith(MESSAGES_PREFIX):
        return parse_new(status, error=parse_error(code) if code else "", sets=sets, unsets=unsets)
    return parse_new(status, err_code=parse_err_code(code) if code else "", sets=sets, unsets=unsets)


def _instead(status: str, option: str) -> str:
    return "Omit it: an inbound message has no error." if status == INBOUND else f"Use {option}."


def read_signer(sign: str, api: Api, secret: str, method: Method) -> Signer | None:
    """The signer that a user asks for. sign: a method, or `jwt` for the Messages API; empty for no signature.

    method: of the account, for a token. Raises UsageError for a method of the other API, ConfigurationError without a
    secret.
    """
    if not sign:
        return None
    if sign not in (*METHODS, TOKEN):
        known = ", ".join((*METHODS, TOKEN))
        raise UsageError(f"No signature method is called {sign[:40]!r}.", hint=f"Use one of: {known}")
    if (sign == TOKEN) != (api == "messages"):
        name, how = ("SMS", f"one of: {', '.join(METHODS)}") if api == "sms" else ("Messages", TOKEN)
        raise UsageError(f"The {name} API does not sign with {sign}.", hint=f"Sign with {how}")
    return signer_with(secret, next((each for each in METHODS if each == sign), method))


def new_origin(
    now: datetime, signer: Signer | None, *, api_key: str = "", application_id: str = ""
) -> Origin:
    """The origin of another message each time. api_key: empty when it is not known."""
    return Origin(now, secrets.randbits(128), new_nonce(), api_key or NO_ACCOUNT, signer, application_id)


def send_new(callback: Callback, address: Address, timeout: float) -> Replayed:
    """Send a new callback. Raises UsageError as `replay`."""
    target = path_of(address) or CALLBACK_PATH
    marked = readdress(callback, Destination(address.netloc, target, mark=TRIGGER_HEADER))
    with Connection(address, timeout=timeout) as connection:
        return attempt(connection, marked, Rules(timeout=timeout, renewed=True))


def parse_err_code(text: str) -> str:
    """The number of an err-code, from that number or its name (`absent-subscriber-temporary`). Raises UsageError.

    An undocumented number is valid: the platform sends some.
    """
    return _parse_code(text, ERR_CODES, "err-code")


def parse_error(text: str) -> str:
    """As `parse_err_code`, for an error of the Messages API: its number or name (`illegal-number`)."""
    return _parse_code(text, MESSAGES_ERRORS, "error of the Messages API")


def _parse_code(text: str, known: Mapping[str, ErrCode], noun: str) -> str:
    if text.isdecimal() and text.isascii():
        return text
    numbers = {code.slug: number for number, code in known.items()}
    slug = ErrCode(text).slug
    if slug in numbers:
        return numbers[slug]
    near = get_close_matches(slug, numbers, 6, 0.5) or numbers
    raise UsageError(f"No {noun} is called {text!r}.", hint=f"Use its number, or one of: {', '.join(near)}")


# What Vonage documents for a kind of webhook: statuses, errors, and what an error is called.
_DOCUMENTED: dict[str, tuple[Collection[str], Collection[str], str]] = {
    "sms-receipt": (STATUSES, ERR_CODES, "an err-code"),
    "messages-status": (MESSAGES_STATUSES, MESSAGES_ERRORS, "an error number of the Messages API"),
}


def notices_about(webhook: Webhook) -> list[str]:
    """Notices about what Vonage does not document in a new webhook. All of it can be sent: Vonage sends such, too."""
    if webhook.kind not in _DOCUMENTED:
        return []
    statuses, errors, noun = _DOCUMENTED[webhook.kind]
    status, error, notices = webhook.status, webhook.err_code, []
    if status not in statuses:
        near = get_close_matches(status, statuses, 1)
        question = f" (did you mean {near[0]!r}?)" if near else f" ({', '.join(statuses)})"
        notices.append(f"{status!r} is not a status that Vonage documents{question}")
    elif status == "read" and webhook.channel == "sms":
        notices.append("an SMS is never 'read'; other channels are")
    if error and error not in errors:
        notices.append(f"{error!r} is not {noun} that Vonage documents")
    return notices
