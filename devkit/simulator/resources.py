"""The applications and the numbers of the account, as the platform's APIs show them."""

import copy
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from devkit.webhook.new_webhook import MessagesVersion

# Objects of JSON, because the platform keeps fields that no document lists.
Application = dict[str, Any]
Number = dict[str, Any]


class Resources:
    """Applications by id and numbers by msisdn, in the order in which they were made. Thread-safe.

    What is given and what is returned are copies.
    first_application: makes the application that is there at the start; called when one is asked for, since its key
    takes a tenth of a second.
    """

    def __init__(self, first_application: Callable[[], Application], numbers: Iterable[Number]) -> None:
        self._lock = threading.Lock()
        self._first_application: Callable[[], Application] | None = first_application
        self._applications: dict[str, Application] = {}
        self._numbers: dict[str, Number] = {number["msisdn"]: number for number in numbers}

    @property
    def applications(self) -> list[Application]:
        with self._loaded() as applications:
            return copy.deepcopy(list(applications.values()))

    @property
    def numbers(self) -> list[Number]:
        with self._lock:
            return copy.deepcopy(list(self._numbers.values()))

    def application(self, application_id: str) -> Application | None:
        with self._loaded() as applications:
            return copy.deepcopy(applications.get(application_id))

    def number(self, msisdn: str) -> Number | None:
        with self._lock:
            return copy.deepcopy(self._numbers.get(msisdn))

    def put_application(self, application: Application) -> None:
        """Add an application, or replace the one with the same id."""
        with self._loaded() as applications:
            applications[application["id"]] = copy.deepcopy(application)

    def change_application(
        self, application_id: str, change: Callable[[Application], Application]
    ) -> Application | None:
        """Replace an application with the result of `change`; None when there is no such application."""
        with self._loaded() as applications:
            if application_id not in applications:
                return None
            changed = change(applications[application_id])
            applications[application_id] = copy.deepcopy(changed)
            return changed

    def remove_application(self, application_id: str) -> bool:
        """Whether there was such an application."""
        with self._loaded() as applications:
            return applications.pop(application_id, None) is not None

    def put_number(self, number: Number) -> None:
        """Add a number, or replace the one with the same msisdn."""
        with self._lock:
            self._numbers[number["msisdn"]] = copy.deepcopy(number)

    @contextmanager
    def _loaded(self) -> Iterator[dict[str, Application]]:
        with self._lock:
            if self._first_application:
                first = self._first_application()
                self._applications[first["id"]] = first
                self._first_application = None
            yield self._applications


def messages_url(application: Application, name: str) -> str:
    """A URL of the messages capability: `inbound_url` or `status_url`. Empty without one."""
    found: object = application
    for key in ("capabilities", "messages", "webhooks", name, "address"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""


def webhook_version(application: Application) -> MessagesVersion:
    """The format of an application's webhooks: `v1` or `v0.1`."""
    capability = application.get("capabilities", {}).get("messages", {})
    version = capability.get("version") if isinstance(capability, dict) else None
    return "v0.1" if version == "v0.1" else "v1"


def make_application(
    application_id: str, name: str, public_key: str, *, inbound_url: str = "", status_url: str = ""
) -> Application:
    """An application as Vonage shows it; with the messages capability if it has a URL."""
    addresses = {"inbound_url": inbound_url, "status_url": status_url}
    webhooks = {name: {"address": url, "http_method": "POST"} for name, url in addresses.items() if url}
    messages = {"webhooks": webhooks, "version": "v1", "authenticate_inbound_media": False}
    return {
        "id": application_id,
        "name": name,
        "keys": {"public_key": public_key},
        "privacy": {"improve_ai": False},
        "capabilities": {"messages": messages} if webhooks else {},
        "_links": links_of(application_id),
    }


def links_of(application_id: str) -> dict[str, Any]:
    """The `_links` of an application."""
    return {"self": {"href": f"/v2/applications/{application_id}"}}


def make_number(msisdn: str, application_id: str) -> Number:
    """A number of the account that can receive texts. application_id: that it is linked to; empty for none."""
    link = number_link(application_id) if application_id else {}
    return {"country": "GB", "msisdn": msisdn, "type": "mobile-lvn", "features": ["SMS"], **link}


def number_link(application_id: str) -> dict[str, str]:
    """The fields of a number that is linked to an application."""
    return {
        "messagesCallbackType": "app",
        "messagesCallbackValue": application_id,
        "app_id": application_id,
    }
