"""Receipts to forward, and what makes forwarders."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

from devkit.receiver.forward import Forwarder
from devkit.webhook.callback import CALLBACK_PATH, Callback, compose

NOW = datetime(2026, 11, 23, 13, 45, 47, tzinfo=UTC)
FILE = "fixtures/recorded/2026-11-23/x.json"

_NUMBERS = count()  # of recordings, so that each has another name

MakeForwarder = Callable[..., Forwarder]  # the fixture `forwarder_to`


def receipt(message_id: str = "0A0000001234567B", status: str = "delivered") -> Callback:
    target = f"{CALLBACK_PATH}/s3cret-token"
    fields = {"msisdn": "447700900001", "messageId": message_id, "status": status}
    return compose(fields, "form", target=target, host="dlr.example.test")


def offer(forwarder: Forwarder, *message_ids: str) -> None:
    """Forward a receipt of each message, from a recording of its own."""
    for message_id in message_ids:
        forwarder.offer(receipt(message_id), message_id, FILE.replace("x.json", f"{next(_NUMBERS):06}.json"))
