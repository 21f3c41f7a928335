"""Sends one SMS through the vonage SDK, to Vonage or to a simulator."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from devkit.errors import VonageError
from devkit.vonage.client import LOOK_FIRST, Credentials, make_client, make_message, sending
from devkit.webhook.masking import hide_secrets, one_line
from devkit.webhook.sms_text import is_gsm

if TYPE_CHECKING:  # only types, and importing them takes half a second
    from vonage_http_client import HttpClient

# What to do about each send status (Vonage's SMS API reference, "SMS API error codes").
_ADVICE = {
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


def send_sms(
    credentials: Credentials, *, to: str, sender: str, text: str, callback: str = "", client_ref: str = ""
) -> tuple[str, ...]:
    """Send one message; return the message id of each part.

    callback: the URL that gets its receipts, instead of the account's; 100 characters at most, as client_ref.
    Raises VonageError, UsageError.
    """
    from vonage_sms import Sms, SmsMessage
    from vonage_sms.errors import SmsError

    message = make_message(
        SmsMessage,
        to=to,
        from_=sender,
        text=text,
        type=None
        if is_gsm(text)
        else "unicode",  # otherwise the platform replaces characters that GSM lacks with question marks
        callback=callback or None,
        client_ref=client_ref or None,
    )
    client = make_client(credentials)
    hidden = (credentials.api_secret, to, callback)
    try:
        with sending(credentials.host, hidden=hidden):
            parts = Sms(client).send(message).messages
    except (SmsError, LookupError, TypeError, ValueError) as error:
        # The SDK reads the answer without checking its shape, so it may raise any of these (vonage-sms 1.2.0).
        raise _failure(_statuses(client), hidden) from error
    ids = tuple(part.message_id for part in parts if part.message_id)
    if len(ids) < len(parts):
        raise _failure([], hidden)
    return ids


def _statuses(client: "HttpClient") -> list[tuple[str, str]]:
    """Status and error text of each part in the last answer; empty when it cannot be read."""
    try:
        parts = client.last_response.json()["messages"]
        return [(str(part["status"]), str(part.get("error-text", ""))) for part in parts]
    except (AttributeError, LookupError, TypeError, ValueError):
        return []


def _failure(statuses: Sequence[tuple[str, str]], hidden: Sequence[str]) -> VonageError:
    refused = [(status, text) for status, text in statuses if status != "0"]
    if not refused:
        return VonageError(
            "Vonage's answer to the message cannot be read; it may have been sent all the same.",
            hint=LOOK_FIRST,
        )
    status, text = refused[0]
    reason = one_line(hide_secrets(text, hidden)) or "no reason given"
    taken = len(statuses) - len(refused)
    which = f"{len(refused)} of {len(statuses)} parts" if taken else "the message"
    return VonageError(
        f"Vonage did not take {which} (status {one_line(status, 10)}): {reason}.",
        hint=_ADVICE.get(status.strip(), "Look the status up in Vonage's SMS API reference."),
    )
