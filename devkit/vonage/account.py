"""The two settings of a Vonage account that devkit changes: where receipts and inbound messages are sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from devkit.errors import VonageError
from devkit.vonage.client import Credentials, post_form
from devkit.vonage.setting import WORDS, AccountSettingName, Retry, StoredURL, not_saved
from devkit.webhook.masking import one_line

SETTINGS_PATH = "/account/settings"

# The field of the answer for each parameter. The parameters have the documented spelling. The SDK's own methods (vonage
# 4.9.1) send `drCallbackUrl` and `moCallbackUrl`, other names; a platform that distinguishes case would answer 200 and
# change nothing. That is also why every change is read back.
ACCOUNT_SETTINGS: dict[AccountSettingName, str] = {
    "drCallBackUrl": "dr-callback-url",
    "moCallBackUrl": "mo-callback-url",
}

Post = Callable[[Credentials, str, dict[str, str]], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class AccountSetting:
    """A callback URL of one account, read and set through Vonage's settings API."""

    credentials: Credentials
    post: Post = post_form
    retry: Retry = field(default_factory=Retry)
    name: AccountSettingName = "drCallBackUrl"

    @property
    def identity(self) -> tuple[str, str, str]:
        return self.credentials.host, self.credentials.api_key, ""

    def read(self) -> StoredURL:
        """What the account holds. Raises VonageError."""
        return StoredURL(read_urls(self.credentials, self.post)[self.name])

    def set_callback(self, url: str, former: str = "") -> None:
        """Set the URL, or unset it with an empty text, and read it back. Raises VonageError.

        Vonage requests the URL and saves it only when the answer is 200.
        """
        _urls_in(self.post(self.credentials, SETTINGS_PATH, {self.name: url}))
        if (current := self.read().url) != url:
            raise not_saved(WORDS[self.name], current, url)


def read_urls(credentials: Credentials, post: Post = post_form) -> dict[AccountSettingName, str]:
    """The callback URLs of an account; empty where none is set. Raises VonageError."""
    # An empty POST is the documented way to read the settings.
    return _urls_in(post(credentials, SETTINGS_PATH, {}))


def _urls_in(answer: Mapping[str, object]) -> dict[AccountSettingName, str]:
    if not answer.keys() & set(ACCOUNT_SETTINGS.values()) and "error-code" in answer:
        # Vonage's older services answer some refusals with HTTP 200.
        label = one_line(str(answer.get("error-code-label", "no reason given")))
        raise VonageError(
            f"Vonage answered with error {one_line(str(answer['error-code']))}: {label}",
            hint="Vonage saves a URL only if it answers 200 at that moment: check that the tunnel leads here.",
        )
    return {name: str(answer.get(key) or "") for name, key in ACCOUNT_SETTINGS.items()}
