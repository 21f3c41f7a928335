"""The errors that users meet. Any other exception is a bug and keeps its traceback."""


class DevkitError(Exception):
    """An error that the user can correct.

    message: one line, what happened, with the wrong value. hint: one line, what to type next.
    Both are printed unchanged, so neither may contain a secret or a full phone number.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(DevkitError):
    """The command line has a wrong value or contradicting options."""

    exit_code = 2


class ConfigurationError(DevkitError):
    """A setting, a port or a directory cannot be used."""

    exit_code = 3


class FixtureError(DevkitError):
    """A file is no valid fixture. The message names the file."""

    exit_code = 3


class StoreError(DevkitError):
    """A receipt could not be written to disk."""

    exit_code = 3


class VonageError(DevkitError):
    """Vonage refused a call, sent an invalid response, or could not be reached.

    transient: the same call may succeed later. status: of the HTTP response that refused it, else 0.
    unanswered: the call may have been made, but no complete response came.
    """

    exit_code = 4

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        transient: bool = False,
        status: int = 0,
        unanswered: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.transient = transient
        self.status = status
        self.unanswered = unanswered


class PushError(DevkitError):
    """A callback was sent without a response.

    reason: `unreachable` (no connection, nothing was sent), `timeout` or `closed` (the target may have taken it).
    sent_again: it was sent twice, see `devkit.http.client.Connection`.
    """

    exit_code = 4

    def __init__(self, message: str, *, hint: str = "", reason: str, sent_again: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.sent_again = sent_again


class RelayError(DevkitError):
    """The relay's engine refused a call or could not be reached, or an entry of it cannot be read."""

    exit_code = 4


class TunnelError(DevkitError):
    """The tunnel could not be opened, or its public URL does not lead here."""

    exit_code = 5


class NoTunnelError(TunnelError):
    """There is no tunnel to open. second_hint: another line of what to type."""

    def __init__(self, message: str, *, hint: str = "", second_hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.second_hint = second_hint


class CallbackHeldError(DevkitError):
    """Another session holds the account's callback URL."""

    exit_code = 6
