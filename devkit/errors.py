"""The errors that a user can cause or meet. Anything else that escapes is a bug and keeps its traceback."""


class DevkitError(Exception):
    """Something went wrong that the user can do something about.

    message: one line, what happened, with the value at fault. hint: one line, what to type next.
    Neither ever holds a secret or a full phone number: both are printed as they are.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(DevkitError):
    """The command line asks for something that does not fit together."""

    exit_code = 2


class ConfigurationError(DevkitError):
    """A setting, a port or a directory that cannot be used as it is."""

    exit_code = 3


class FixtureError(DevkitError):
    """A fixture file that cannot be read as one; the message names the file."""

    exit_code = 3


class StoreError(DevkitError):
    """A receipt that could not be put safely on disk."""

    exit_code = 3


class VonageError(DevkitError):
    """Vonage refused a call, answered nonsense, or could not be reached.

    transient: the same call may succeed a moment later.
    """

    exit_code = 4

    def __init__(self, message: str, *, hint: str = "", transient: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.transient = transient


class PushError(DevkitError):
    """A callback could not be handed to its target: no answer came back.

    reason: `unreachable` (no connection, nothing was sent), `timeout` or `closed` (it may have been taken).
    sent_again: it was sent twice, see `push.Connection`.
    """

    exit_code = 4

    def __init__(self, message: str, *, hint: str = "", reason: str, sent_again: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.sent_again = sent_again


class TunnelError(DevkitError):
    """The tunnel could not be opened, or what it opened does not lead here."""

    exit_code = 5


class CallbackHeldError(DevkitError):
    """Another session holds the account's callback."""

    exit_code = 6
