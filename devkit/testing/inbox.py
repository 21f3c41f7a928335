"""Keeps the receipts that arrive, and waits for the one that a test expects."""

import threading
from collections.abc import Mapping

from devkit.testing.fields import hide_numbers, vendor_name
from devkit.testing.sample_webhook import SampleWebhook
from devkit.webhook.callback import Callback, compose

_SHOWN = 20  # arrivals in the message of a timeout
_OF_ALL_KINDS = {"kind", "status", "message_id", "err_code", "client_ref"}  # whatever the field is called


class NotReceived(AssertionError):
    """The expected receipt did not arrive in time; the message lists those that did."""


class ReceiptInbox:
    """The receipts that have arrived, oldest first. Thread-safe. Waiting removes nothing."""

    def __init__(self) -> None:
        self._receipts: list[SampleWebhook] = []
        self._arrived = threading.Condition()

    def __repr__(self) -> str:
        return f"<ReceiptInbox with {len(self)}>"

    def __len__(self) -> int:
        return len(self._receipts)

    @property
    def receipts(self) -> tuple[SampleWebhook, ...]:
        with self._arrived:
            return tuple(self._receipts)

    def put(self, arrival: SampleWebhook | Callback | Mapping[str, object]) -> None:
        """Add a receipt, a callback, or the fields of a receipt. Can be the target of `deliver`."""
        with self._arrived:
            self._receipts.append(_receipt(arrival, len(self._receipts)))
            self._arrived.notify_all()

    def clear(self) -> None:
        with self._arrived:
            self._receipts.clear()

    def wait_for_receipt(self, timeout: float = 5, **fields: object) -> SampleWebhook:
        """Wait for the first receipt with these fields; without fields, for any.

        timeout: seconds. fields: by their Python names, such as status, message_id, err_code. Those three, client_ref
        and kind are there for webhooks of each kind.
        Raises NotReceived.
        """
        return self.wait_for_receipts(1, timeout, **fields)[0]

    def wait_for_receipts(
        self, count: int, timeout: float = 5, **fields: object
    ) -> tuple[SampleWebhook, ...]:
        """Wait for the first `count` receipts with these fields. Otherwise as `wait_for_receipt`."""
        wanted = {name: str(value) for name, value in fields.items()}
        for name in wanted.keys() - _OF_ALL_KINDS:
            vendor_name(name)
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self._matching(wanted)) >= count, timeout):
                raise NotReceived(self._missing(count, timeout, wanted))
            return self._matching(wanted)[:count]

    def _matching(self, wanted: Mapping[str, str]) -> tuple[SampleWebhook, ...]:
        return tuple(receipt for receipt in self._receipts if _matches(receipt, wanted))

    def _missing(self, count: int, timeout: float, wanted: Mapping[str, str]) -> str:
        fields = " ".join(f"{_shown(name)}={value}" for name, value in wanted.items())
        what = f"{count} receipts" if count > 1 else "receipt"
        lines = [hide_numbers(f"No {what} {f'with {fields} ' if fields else ''}within {timeout:g} s.")]
        lines.append(f"{len(self)} arrived{':' if self._receipts else '.'}")
        lines += [f"  {receipt!r}" for receipt in self._receipts[-_SHOWN:]]
        return "\n".join(lines)


def _matches(receipt: SampleWebhook, wanted: Mapping[str, str]) -> bool:
    return all(_value(receipt, name) == value for name, value in wanted.items())


def _value(receipt: SampleWebhook, name: str) -> str | None:
    if name in _OF_ALL_KINDS:
        return str(getattr(receipt, name)) or None
    vendor = vendor_name(name)
    return str(receipt.fields[vendor]) if vendor in receipt.fields else None


def _shown(name: str) -> str:
    return name if name == "kind" else vendor_name(name)


def _receipt(arrival: SampleWebhook | Callback | Mapping[str, object], number: int) -> SampleWebhook:
    if isinstance(arrival, SampleWebhook):
        return arrival
    callback = arrival if isinstance(arrival, Callback) else compose(arrival, "json")
    return SampleWebhook(callback, name=f"arrival-{number + 1}")
