"""Sends one SMS through Vonage's Messages API, by the vonage SDK, to Vonage or to a simulator."""

from devkit.errors import VonageError
from devkit.vonage.client import LOOK_FIRST, ApplicationKey, Credentials, make_client, make_message, sending

# What to do about each HTTP status (OpenAPI description of the Messages API 1.11.0, and captured answers).
_ADVICE = {
    402: "The account's credit is used up: top it up in the Vonage dashboard.",
    403: "The account may not use the Messages API: check for a notice in the Vonage dashboard.",
    422: "Correct what the answer names; the number must be international without +, such as 447700900000.",
    429: "Too many messages in a second: wait and send again.",
}
_CHECK_APPLICATION = (
    "Compare VONAGE_APPLICATION_ID and VONAGE_PRIVATE_KEY with the Vonage dashboard: the key must be the one that "
    "belongs to the application now."
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
    message = make_message(
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
        with sending(credentials.host, hidden=hidden):
            return str(Messages(client).send(message).message_uuid)
    except VonageError as error:
        if error.status == 401 and application:
            raise VonageError(
                "Vonage refused the application's token (401).", hint=_CHECK_APPLICATION, status=401
            ) from error
        error.hint = _ADVICE.get(error.status, error.hint)
        raise
    except (TypeError, ValueError) as error:
        # The SDK reads the answer without checking its shape (vonage-messages 1.8.1).
        raise VonageError(
            "Vonage's answer to the message cannot be read; it may have been sent all the same.",
            hint=LOOK_FIRST,
        ) from error
