"""The one setting of a Vonage account that devkit changes: where delivery receipts are sent."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from devkit.errors import VonageError
from devkit.vonage.client import Credentials, post_form
from devkit.webhook.masking import one_line

SETTINGS_PATH = "/account/settings"

# The documented spelling. The SDK's own method (vonage 4.9.1) sends `drCallbackUrl`, another name; a platform that
# distinguishes case would answer 200 and change nothing. That is also why every change is read back.
CALLBACK_PARAMETER = "drCallBackUrl"

Post = Callable[[Credentials, str, dict[str, str]], Mapping[str, object]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retry:
    """When a failed call is repeated.

    pauses: seconds before each repetition. seconds: no repetition starts later than that.
    Both limit how long an exit may take. A shutdown request does not shorten the pauses, because impatient users press
    Ctrl-C again, and the account would keep a URL that leads nowhere.
    """

    pauses: tuple[float, ...] = (0.5, 1.0, 2.0)
    seconds: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def run(self, attempt: Callable[[int], T], log: Callable[[str], None]) -> T:
        """Call `attempt` with its number, from 0, until it succeeds; return its result.

        log: gets the reason for each repetition. Raises the VonageError of the last attempt.
        """
        deadline = self.clock() + self.seconds
        for number, pause in enumerate(self.pauses):
            try:
                return attempt(number)
            except VonageError as error:
                if not error.transient or self.clock() + pause > deadline:
                    raise
                log(f"{error.message.rstrip('.')}. Trying again.")
            self.sleep(pause)
        return attempt(len(self.pauses))


@dataclass(frozen=True, slots=True)
class CallbackSetting:
    """The callback of one account, read and set through Vonage's settings API.

    retry: for callers that must survive a transient error.
    """

    credentials: Credentials
    post: Post = post_form
    retry: Retry = field(default_factory=Retry)

    @property
    def identity(self) -> tuple[str, str]:
        return self.credentials.host, self.credentials.api_key

    def read_callback(self) -> str:
        """The account's delivery-receipt callback; empty when none is set. Raises VonageError."""
        # An empty POST is the documented way to read the settings.
        return _callback_in(self.post(self.credentials, SETTINGS_PATH, {}))

    def set_callback(self, url: str) -> None:
        """Set the callback, or unset it with an empty text, and read it back. Raises VonageError.

        Vonage requests the URL and saves it only when the answer is 200.
        """
        _callback_in(self.post(self.credentials, SETTINGS_PATH, {CALLBACK_PARAMETER: url}))
        if (current := self.read_callback()) != url:
            raise VonageError(
                f"Vonage answered 200, but the account holds {one_line(current) or 'no callback'} "
                f"instead of {one_line(url) or 'none'}.",
                hint="Set it by hand in the dashboard's API settings, or use --no-register.",
            )


def _callback_in(answer: Mapping[str, object]) -> str:
    if "dr-callback-url" not in answer and "error-code" in answer:
        # Vonage's older services answer some refusals with HTTP 200.
        label = one_line(str(answer.get("error-code-label", "no reason given")))
        raise VonageError(
            f"Vonage answered with error {one_line(str(answer['error-code']))}: {label}",
            hint="Vonage saves a URL only if it answers 200 at that moment: check that the tunnel leads here.",
        )
    return str(answer.get("dr-callback-url") or "")
