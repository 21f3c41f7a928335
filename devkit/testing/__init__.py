"""Receipts, statuses and inbound messages in unit tests: load, make, deliver, await. No network, no account.

It needs neither pytest nor a web framework. The pytest fixtures are in `devkit.pytest_plugin`.
"""

from devkit.replay.schedule import Order
from devkit.testing.deliver import HandlerResponse, deliver, deliver_all
from devkit.testing.factories import make_inbound, make_receipt, make_status
from devkit.testing.faults import FaultCase, fault_cases
from devkit.testing.fields import Fields
from devkit.testing.inbox import NotReceived, ReceiptInbox
from devkit.testing.sample_webhook import SampleWebhook, load, load_all, with_fields
from devkit.testing.signing import resign, verify_webhook
from devkit.testing.status_faults import status_fault_cases
from devkit.webhook.callback import Transport
from devkit.webhook.jwt import TokenVerdict
from devkit.webhook.new_webhook import TextPart
from devkit.webhook.signature import METHODS, Method, Verdict, sign, verify
from devkit.webhook.vocabulary import ERR_CODES, STATUSES

__all__ = [
    "ERR_CODES",
    "METHODS",
    "STATUSES",
    "FaultCase",
    "Fields",
    "HandlerResponse",
    "Method",
    "NotReceived",
    "Order",
    "ReceiptInbox",
    "SampleWebhook",
    "TextPart",
    "TokenVerdict",
    "Transport",
    "Verdict",
    "deliver",
    "deliver_all",
    "fault_cases",
    "load",
    "load_all",
    "make_inbound",
    "make_receipt",
    "make_status",
    "resign",
    "sign",
    "status_fault_cases",
    "verify",
    "verify_webhook",
    "with_fields",
]
