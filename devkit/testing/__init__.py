"""Receipts in unit tests: load them, make them, deliver them to code, wait for them. No network, no account.

Plain Python: it needs neither pytest nor a web framework. The pytest fixtures are in `devkit.pytest_plugin`.
"""

from devkit.replay.plan import Order
from devkit.signature import METHODS, Method, Verdict, sign, verify
from devkit.testing.answer import Answer
from devkit.testing.delivery import deliver, deliver_all
from devkit.testing.edit import resign, with_fields
from devkit.testing.fault import FaultCase, fault_cases
from devkit.testing.field import Fields
from devkit.testing.inbox import NotReceived, ReceiptInbox
from devkit.testing.library import load, load_all
from devkit.testing.receipt import TestReceipt, Via, make_receipt
from devkit.vocabulary import ERR_CODES, STATUSES

__all__ = [
    "ERR_CODES",
    "METHODS",
    "STATUSES",
    "Answer",
    "FaultCase",
    "Fields",
    "Method",
    "NotReceived",
    "Order",
    "ReceiptInbox",
    "TestReceipt",
    "Verdict",
    "Via",
    "deliver",
    "deliver_all",
    "fault_cases",
    "load",
    "load_all",
    "make_receipt",
    "resign",
    "sign",
    "verify",
    "with_fields",
]
