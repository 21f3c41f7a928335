"""The one setting of a Vonage account that devkit touches: where its delivery receipts go."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from devkit.errors import VonageError
from devkit.vonage.client import Credentials, post_form
from devkit.vonage.retry import Retry
from devkit.webhook.masking import one_line

SETTINGS_PATH = "/account/settings"

# The documented spelling. The SDK's own method (vonage 4.9.1) sends `drCallbackUrl`, another name; a platform that
# minds the case would answer 200 and change nothing. That is also why every change is read back.
CALLBACK_PARAMETER = "drCallBackUrl"

Post = Callable[[Credentials, str, dict[str, str]], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class CallbackSetting:
    """A Vonage account, seen through its settings API. retry: for what must not fail for a moment's fault."""

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
        """Set it, or unset it with an empty text, and make sure that it was saved. Raises VonageError.

        Vonage asks the URL for a 200 before it saves it.
        """
        answer = self.post(self.credentials, SETTINGS_PATH, {CALLBACK_PARAMETER: url})
        _callback_in(answer)
        if (held := self.read_callback()) != url:
            raise VonageError(
                f"Vonage answered 200, but the account holds {one_line(held) or 'no callback'} "
                f"instead of {one_line(url) or 'none'}.",
                hint="Set it by hand in the dashboard's API settings, or use --no-register.",
            )


def _callback_in(answer: Mapping[str, object]) -> str:
    if "dr-callback-url" not in answer and "error-code" in answer:
        # Vonage's older services answer some refusals with HTTP 200.
        label = one_line(str(answer.get("error-code-label", "no reason given")))
        raise VonageError(
            f"Vonage answered with error {one_line(str(answer['error-code']))}: {label}",
            hint="Vonage saves only a URL that answers 200 just then: check that the tunnel leads here.",
        )
    return str(answer.get("dr-callback-url") or "")
