"""Applications with a too narrow or too strict column for message ids: the samples and the faults find them."""

import sqlite3
import uuid
from collections.abc import Callable, Mapping

import pytest

from devkit.testing import SampleWebhook, fault_cases, load_all

CASES = {case.name: case for case in fault_cases()}
WITHOUT_RECEIPT = {"json-array"}  # has no fields for a function

Handler = Callable[[Mapping[str, object]], None]


def consumer(check: str) -> Handler:
    """A handler that keeps the last status of each message in a table whose ids obey a check."""
    database = sqlite3.connect(":memory:", check_same_thread=False)
    database.create_function("is_uuid", 1, is_uuid, deterministic=True)
    database.execute(f"CREATE TABLE message (id TEXT PRIMARY KEY CHECK ({check}), status TEXT)")

    def handle(fields: Mapping[str, object]) -> None:
        database.execute(
            "INSERT OR REPLACE INTO message VALUES (?, ?)", (fields["messageId"], fields["status"])
        )

    return handle


def is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def refused_samples(handle: Handler) -> set[str]:
    """The samples that a handler cannot store, by name."""
    return {
        receipt.name
        for receipt in load_all("**/*")
        if receipt.kind == "sms-receipt" and not stores(handle, receipt)
    }


def stores(handle: Handler, receipt: SampleWebhook) -> bool:
    try:
        handle(receipt.fields)
    except sqlite3.IntegrityError:
        return False
    return True


def refused_cases(handle: Handler) -> set[str]:
    """The cases of the fault matrix in which a handler cannot store a receipt."""
    refused = set()
    for case in CASES.values():
        try:
            case.deliver(handle)
        except sqlite3.IntegrityError:
            refused.add(case.name)
    return refused


def test_a_column_of_16_characters_is_refused_nearly_everything() -> None:
    narrow = consumer("length(id) <= 16")

    samples = refused_samples(narrow)
    assert {
        "delivered",
        "accepted-form",
        "failed-json",
        "sequence/concatenated/01-part-1-accepted",
    } <= samples
    assert "hex-id" not in samples
    assert refused_cases(narrow) == CASES.keys() - {"hex-id"} - WITHOUT_RECEIPT


def test_a_column_of_uuids_is_refused_the_older_form() -> None:
    strict = consumer("is_uuid(id)")

    assert refused_samples(strict) == {"hex-id"}
    assert refused_cases(strict) == {"hex-id"}


@pytest.mark.parametrize("check", ["length(id) <= 36", "id IS NOT NULL"])
def test_a_column_that_takes_both_forms_takes_everything(check: str) -> None:
    wide = consumer(check)

    assert refused_samples(wide) == set()
    assert refused_cases(wide) == set()
