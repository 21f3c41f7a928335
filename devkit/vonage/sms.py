"""Sends one SMS through the vonage SDK, by the SMS API or the Messages API, to Vonage or to a simulator."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from devkit.errors import UsageError, VonageError
from devkit.vonage.client import ApplicationKey, Credentials, make_client, translated
from devkit.webhook.masking import hide_secrets, one_line
from devkit.webhook.sms_text import is_gsm

if TYPE_CHECKING:  # only types, and importing them takes half a second
    from vonage_http_client import HttpClient

M = TypeVar("M")

# What to do about each status in an answer of the SMS API (its reference, "SMS API error codes").
_SMS_ADVICE = {
    "1": "Too many messages in a second: wait and send again.",
    "2": "A parameter is missing: give --to, --from and --text.",
    "3": "A parameter is wrong; the number must be international without +, such as 447700900000.",
    "4": "Compare VONAGE_API_KEY and VONAGE_API_SECRET in .env with the Vonage dashboard.",
    "5": "Vonage had an error of its own: wait a minute and send again.",
    "6": "Vonage could not read the message: try another --text.",
    "7": "The number is blocked on your account: try another.",
    "8": "The account may not send: check for a notice in the Vonage dashboard, or ask Vonage's support.",
    "9": "The account's credit is used up: top it up in the Vonage dashboard.",
    "10": "Too many connections of this account at once: stop the other programs, then send again.",
    "11": "The account may not send by HTTP: ask Vonage's support.",
    "12": "The text is too long: 3200 characters at most.",
    "14": "The account requires signed requests: allow the API secret too, in the dashboard's API settings.",
    "15": "The sender is not allowed there: use --from with a number or name that you may send from.",
    "22": "The network of this number is not known: check the number.",
    "23": "The callback URL is too long or has characters that Vonage does not take: choose a shorter domain.",
    "29": "A trial account sends only to test numbers: add the number in the Vonage dashboard under Test numbers.",
    "32": "The account takes a signature or a secret, not both: check the dashboard's API settings.",
    "33": "The number is deactivated: try another.",
}

# And about each HTTP status of the Messages API (OpenAPI description of the Messages API 1.11.0, and captured answers).
_MESSAGES_ADVICE = {
    402: "The account's credit is used up: top it up in the Vonage dashboard.",
    403: "The account may not use the Messages API: check for a notice in the Vonage dashboard.",
    422: "Correct what the answer names; the number must be international without +, such as 447700900000.",
    429: "Too many messages in a second: wait and send again.",
}
_CHECK_APPLICATION = (
    "Compare VONAGE_APPLICATION_ID and VONAGE_PRIVATE_KEY with the Vonage dashboard: the key must be the one that "
    "belongs to the application now."
)
_LOOK_FIRST = "Look in the Vonage dashboard's logs before you send it again."


def send_sms(
    credentials: Credentials, *, to: str, sender: str, text: str, callback: str = "", client_ref: str = ""
) -> tuple[str, ...]:
    """Send one message; return the message id of each part.

    callback: the URL that gets its receipts, instead of the account's; 100 characters at most, as client_ref.
    Raises VonageError, UsageError.
    """
    from vonage_sms import Sms, SmsMessage
    from vonage_sms.errors import SmsError

    message = _make(
        SmsMessage,
        to=to,
        from_=sender,
        text=text,
        # Without `unicode` the platform replaces characters that GSM lacks with question marks.
        type=None if is_gsm(text) else "unicode",
        callback=callback or None,
        client_ref=client_ref or None,
    )
    client = make_client(credentials)
    hidden = (credentials.api_secret, to, callback)
    try:
        with _sending(credentials.host, hidden=hidden):
            parts = Sms(client).send(message).messages
    except (SmsError, LookupError, TypeError, ValueError) as error:
        # The SDK reads the answer without checking its shape, so it may raise any of these (vonage-sms 1.2.0).
        raise _refused(_statuses(client), hidden) from error
    ids = tuple(part.message_id for part in parts if part.message_id)
    if len(ids) < len(parts):
        raise _unreadable()
    return ids


def _statuses(client: "HttpClient") -> list[tuple[str, str]]:
    """Status and error text of each part in the last answer; empty when it cannot be read."""
    try:
        parts = client.last_response.json()["messages"]
        return [(str(part["status"]), str(part.get("error-text", ""))) for part in parts]
    except (AttributeError, LookupError, TypeError, ValueError):
        return []


def _refused(statuses: Sequence[tuple[str, str]], hidden: Sequence[str]) -> VonageError:
    refused = [(status, text) for status, text in statuses if status != "0"]
    if not refused:
        return _unreadable()
    status, text = refused[0]
    reason = one_line(hide_secrets(text, hidden)) or "no reason given"
    taken = len(statuses) - len(refused)
    which = f"{len(refused)} of {len(statuses)} parts" if taken else "the message"
    return VonageError(
        f"Vonage did not take {which} (status {one_line(status, 10)}): {reason}.",
        hint=_SMS_ADVICE.get(status.strip(), "Look the status up in Vonage's SMS API reference."),
    )


def send_message(
    credentials: Credentials,
    *,
    to: str,
    sender: str,
    text: str,
    webhook_url: str = "",
    client_ref: str = "",
    application: ApplicationKey | None = None,
) -> str:
    """Send one SMS; return its message_uuid, which is one for all parts.

    webhook_url: the URL that gets its statuses, instead of the application's or the account's. client_ref: 100
    characters at most. application: signs the call; without one the key and the secret do (Basic).
    Raises VonageError, UsageError.
    """
    from vonage_messages import Messages, Sms

    # A model: of a dict the SDK sends the recipient only. In a model it ignores names that it does not know.
    message = _make(
        Sms,
        to=to,
        from_=sender,
        text=text,
        webhook_url=webhook_url or None,
        client_ref=client_ref or None,
    )
    # A client of its own: after JSON, a form of the same client would be labelled as JSON.
    client = make_client(credentials, application=application)
    hidden = (credentials.api_secret, to, webhook_url)
    try:
        with _sending(credentials.host, hidden=hidden):
            return str(Messages(client).send(message).message_uuid)
    except VonageError as error:
        if error.status == 401 and application:
            raise VonageError(
                "Vonage refused the application's token (401).", hint=_CHECK_APPLICATION, status=401
            ) from error
        error.hint = _MESSAGES_ADVICE.get(error.status, error.hint)
        raise
    except (TypeError, ValueError) as error:
        # The SDK reads the answer without checking its shape (vonage-messages 1.8.1).
        raise _unreadable() from error


def _make(model: type[M], **fields: str | None) -> M:
    """A message as a model of the SDK. Raises UsageError for a field that the model does not take."""
    from pydantic import ValidationError

    try:
        "".join(filter(None, fields.values())).encode()
        return model(**fields)
    except UnicodeEncodeError:  # what was typed in another encoding holds lone surrogates
        raise UsageError(
            "Cannot send this message: it is not UTF-8 text.", hint="Set your terminal to UTF-8."
        ) from None
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        # Without the value, which can be a phone number.
        raise UsageError(
            f"Cannot send this message: {first['loc'][0]}: {first['msg']}.", hint="Shorten it."
        ) from None


@contextmanager
def _sending(host: str, *, hidden: Iterable[str] = ()) -> Iterator[None]:
    """As `translated`, for a message: without a complete answer, the error says that it may have been sent."""
    try:
        with translated(host, hidden=hidden):
            yield
    except VonageError as error:
        if error.unanswered:
            raise VonageError(
                f"{error.message} The message may have been sent all the same.",
                hint=_LOOK_FIRST,
                transient=True,
                unanswered=True,
            ) from error
        raise


def _unreadable() -> VonageError:
    return VonageError(
        "Vonage's answer to the message cannot be read; it may have been sent all the same.",
        hint=_LOOK_FIRST,
    )
