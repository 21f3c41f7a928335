"""Sends one SMS through Vonage's Messages API, by the vonage SDK, to Vonage or to a simulator."""

from typing import TYPE_CHECKING, Any

from devkit.errors import VonageError
from devkit.vonage.client import ApplicationKey, Credentials, make_client, make_message, translated
from devkit.webhook.masking import hide_secrets, one_line

if TYPE_CHECKING:  # only types, and importing them takes half a second
    from requests import Response

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

    # The model, because of a dict the SDK sends the recipient only. It ignores names that it does not know.
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
        with translated(credentials.host, hidden=hidden):
            return str(Messages(client).send(message).message_uuid)
    except VonageError as error:
        raise _explained(error, client.last_response, hidden, signed=application is not None) from error
    except (TypeError, ValueError) as error:
        # The SDK reads the answer without checking its shape (vonage-messages 1.8.1).
        raise VonageError(
            "Vonage's answer to the message cannot be read; it may have been sent all the same.",
            hint="Look in the Vonage dashboard's logs before you send it again.",
        ) from error


def _explained(
    error: VonageError, response: "Response | None", hidden: tuple[str, ...], *, signed: bool
) -> VonageError:
    """The error of a message that Vonage refused, with what the problem document in the answer says."""
    if response is None or not error.status:
        return error
    if error.status == 401 and signed:
        return VonageError(
            "Vonage refused the application's token (401).", hint=_CHECK_APPLICATION, status=401
        )
    reason = one_line(hide_secrets(_problem(response), hidden), 200)
    if error.status == 401 or not reason:
        return error
    return VonageError(
        f"Vonage did not take the message ({error.status}): {reason}",
        hint=_ADVICE.get(error.status, error.hint),
        transient=error.transient,
        status=error.status,
    )


def _problem(response: "Response") -> str:
    """Title, detail and wrong parameters of a problem document; empty when the answer is none."""
    try:
        document: Any = response.json()
        wrong = [f"{each['name']} {each['reason']}" for each in document.get("invalid_parameters", ())]
        return ": ".join(filter(None, (document["title"], document.get("detail", ""), ", ".join(wrong))))
    except (AttributeError, LookupError, TypeError, ValueError):
        return ""
