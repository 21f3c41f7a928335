"""The two addresses of a Vonage application that devkit changes: where statuses and inbound messages are sent.

A PUT replaces the whole application: what it leaves out is lost (the Vonage CLI removes a capability so). The SDK's
models leave out what they do not know (vonage-application 2.0.2), so the objects here are those of the JSON.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from devkit.errors import VonageError
from devkit.vonage.client import Credentials, get_json, put_json
from devkit.vonage.setting import WORDS, AddressName, Retry, StoredURL, not_saved
from devkit.webhook.masking import one_line

Json = dict[str, Any]

_READ_ONLY = ("id", "_links")  # in an answer, and not in a PUT
_ADDED = {"version": "v1"}  # of a messages capability that is added; documented as Vonage's default


@dataclass(frozen=True, slots=True)
class ApplicationSetting:
    """An address of the messages capability of one application, read and set through Vonage's Applications API."""

    credentials: Credentials
    application_id: str
    name: AddressName
    retry: Retry = field(default_factory=Retry)

    @property
    def identity(self) -> tuple[str, str, str]:
        return self.credentials.host, self.credentials.api_key, self.application_id

    def read(self) -> StoredURL:
        """What the application holds. Raises VonageError."""
        application = self._get()
        return StoredURL(address_in(application, self.name), json.dumps(application))

    def set_callback(self, url: str, former: str = "") -> None:
        """Set the address and nothing else, and read the application back. Raises VonageError.

        former: the application as JSON, from before the first change: an address that is unset gets its form again.
        """
        wanted = with_address(self._get(), self.name, url, json.loads(former) if former else {})
        try:
            put_json(self.credentials, self._path, wanted)
        except VonageError as error:
            raise self._explained(error) from error
        saved = self._get()
        if (current := address_in(saved, self.name)) != url:
            raise not_saved(WORDS[self.name], current, url)
        if changed := list(differences(wanted, saved)):
            raise VonageError(
                f"The application was saved, but {one_line(', '.join(changed), 200)} is not what was sent: "
                "Vonage or somebody else changed it.",
                hint="Compare it in the Vonage dashboard: Applications. To work without it: --no-register",
            )

    @property
    def _path(self) -> str:
        return f"/v2/applications/{self.application_id}"

    def _get(self) -> Json:
        try:
            application = get_json(self.credentials, self._path)
        except VonageError as error:
            raise self._explained(error) from error
        return _writable(application)

    def _explained(self, error: VonageError) -> VonageError:
        if error.status != 404:
            return error
        return VonageError(
            f"The account {one_line(self.credentials.api_key)} has no application {self.application_id}.",
            hint="Compare the id with the Vonage dashboard, Applications: --application or VONAGE_APPLICATION_ID",
            status=404,
        )


def _writable(application: Json) -> Json:
    """An application as a PUT takes it. It never holds the private key: Vonage shows that on creation only."""
    wanted = {name: value for name, value in application.items() if name not in _READ_ONLY}
    if isinstance(keys := wanted.get("keys"), dict):
        wanted["keys"] = {name: value for name, value in keys.items() if name != "private_key"}
    return wanted


def _inner(document: Json, *names: str) -> Json:
    """An object within an object; empty where there is none."""
    for name in names:
        found = document.get(name)
        document = found if isinstance(found, dict) else {}
    return document


def address_in(application: Json, name: AddressName) -> str:
    """An address of the messages capability; empty when none is set."""
    return str(_inner(application, "capabilities", "messages", "webhooks", name).get("address") or "")


def key_of(application: Json) -> str:
    """The public key of an application, as PEM; empty when none is shown."""
    return str(_inner(application, "keys").get("public_key") or "")


def with_address(application: Json, name: AddressName, url: str, former: Json) -> Json:
    """The application with another address, and everything else as it is.

    former: the application from before the first change. What was added for the address, such as the capability,
    goes with it, unless something else is in it by now.
    """
    changed = deepcopy(application)
    if url:
        webhooks = _made(_made(_made(changed, "capabilities"), "messages", _ADDED), "webhooks")
        old = _inner(webhooks, name) or {"address": "", "http_method": "POST"}
        webhooks[name] = {**old, "address": url}
        return changed
    _unset(changed, former, "capabilities", "messages", "webhooks", name)
    return changed


def _made(document: Json, name: str, added: Json | None = None) -> Json:
    """An object within an object, which is added where there is none."""
    if not isinstance(document.get(name), dict):
        document[name] = dict(added or {})
    made: Json = document[name]
    return made


def _unset(current: Json, former: Json, name: str, *rest: str) -> None:
    """Give the webhook that the names lead to, and the objects around it, the form without an address."""
    if rest:
        inner = current.get(name)
        if not isinstance(inner, dict):
            return
        _unset(inner, _inner(former, name), *rest)
        if isinstance(former.get(name), dict) or not _is_unused(inner):
            return
    if name in former and not _inner(former, name).get("address"):
        current[name] = deepcopy(former[name])
    else:
        current.pop(name, None)


def _is_unused(added: Json) -> bool:
    """Whether an object that was added holds defaults only."""
    return all(value in (None, False) or _ADDED.get(name) == value for name, value in added.items())


def differences(wanted: Json, saved: Json, path: str = "") -> Iterator[str]:
    """The names, as `keys.public_key`, of what was sent and then lost or changed. Defaults may be added."""
    for name, value in wanted.items():
        found = saved.get(name)
        if isinstance(value, dict) and isinstance(found, dict):
            yield from differences(value, found, f"{path}{name}.")
        elif found != value:
            yield f"{path}{name}"


@dataclass(frozen=True, slots=True)
class LinkedNumber:
    """A number of the account. has_own_url: for inbound SMS, `moHttpUrl`; the Messages API does not use it."""

    msisdn: str
    has_own_url: bool = False


def numbers_of(credentials: Credentials, application_id: str) -> list[LinkedNumber]:
    """The numbers that are linked to an application and take SMS: their inbound messages go there. At most 100.

    Raises VonageError.
    """
    params = {"application_id": application_id, "size": "100"}
    found = get_json(credentials, "/account/numbers", params).get("numbers")  # `{}` when there are none
    linked = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    # Checked here too, because nothing says that the platform knows the parameter for every account.
    linked = [each for each in linked if each.get("app_id", application_id) == application_id]
    return [
        LinkedNumber(str(each.get("msisdn", "")), bool(each.get("moHttpUrl")))
        for each in linked
        if not isinstance(features := each.get("features"), list) or "SMS" in features
    ]
