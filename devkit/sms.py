"""Sends one SMS through the vonage SDK, to Vonage or to a simulator."""

from devkit.errors import VonageError
from devkit.redact import one_line
from devkit.vonage_client import Credentials, make_client, translated

# Send statuses of the SMS API that a newcomer meets, and what to do about them
# (Vonage's SMS API reference, "SMS API error codes").
_ADVICE = {
    "1": "Too many messages in a second: wait and send again.",
    "2": "A parameter is missing: give --to, --from and --text.",
    "3": "A parameter is wrong; the number must be international without +, such as 447700900000.",
    "4": "Compare VONAGE_API_KEY and VONAGE_API_SECRET in .env with the Vonage dashboard.",
    "7": "The number is blocked on your account: try another.",
    "9": "The account's credit is used up: top it up in the Vonage dashboard.",
    "15": "The sender is not allowed there: use --from with a number or name that you may send from.",
    "23": "The callback URL is too long or has characters that Vonage does not take: choose a shorter domain.",
    "29": "A trial account sends only to test numbers: add the number in the Vonage dashboard under Test numbers.",
    "33": "The number is deactivated: try another.",
}


def send_sms(
    credentials: Credentials, *, to: str, sender: str, text: str, callback: str = "", client_ref: str = ""
) -> tuple[str, ...]:
    """Send one message; gives the message id of each of its parts. Raises VonageError.

    callback: where its receipts go, instead of the account's callback; 100 characters at most.
    """
    from vonage_sms import Sms, SmsMessage
    from vonage_sms.errors import SmsError

    message = SmsMessage(
        to=to, from_=sender, text=text, callback=callback or None, client_ref=client_ref or None
    )
    try:
        with translated(credentials.host):
            response = Sms(make_client(credentials)).send(message)
    except SmsError as error:
        raise _refused(error) from error
    return tuple(part.message_id for part in response.messages)


def _refused(error: Exception) -> VonageError:
    # The SDK hands the platform's status and text over only inside a sentence:
    # "Sms.send_message method failed with error code 29: Non White-listed Destination"
    code, _, text = str(error).rpartition("error code ")[2].partition(":")
    return VonageError(
        f"Vonage did not take the message (status {one_line(code, 10)}): {one_line(text) or 'no reason given'}.",
        hint=_ADVICE.get(code.strip(), "Look the status up in Vonage's SMS API reference."),
    )
