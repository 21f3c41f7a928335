"""The fault matrix of statuses: a right handler passes all cases, and each wrong one fails its case."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask, request

from devkit.testing import status_fault_cases, verify_webhook
from devkit.testing.status_faults import TOKEN_FAULTS
from devkit.webhook.jwt import verify_token

PATH, SECRET = "/status", "only-for-tests"
FINAL = {"delivered", "read", "rejected", "undeliverable"}
CASES = [case.name for case in status_fault_cases(secret=SECRET)]

Check = Callable[[], bool]


def verified() -> bool:
    return bool(verify_webhook(request.headers, request.get_data(), SECRET))


class Messages:
    """A right handler. check: whether a request is Vonage's."""

    def __init__(self, check: Check = verified) -> None:
        self.statuses: dict[str, str] = {}
        self.lock = threading.Lock()
        self.check = check
        self.app = Flask(__name__)
        self.app.add_url_rule(PATH, view_func=self.view, methods=["POST"])

    def view(self) -> tuple[str, int]:
        if not self.check():
            return "", 401
        fields = request.get_json()
        if not isinstance(fields, dict):
            return "", 400
        self.keep(fields)
        return "", 200

    def keep(self, fields: dict[str, object]) -> None:
        uuid, status = str(fields["message_uuid"]), fields.get("status")
        with self.lock:
            if status is not None and self.statuses.get(uuid) not in FINAL:
                self.statuses[uuid] = str(status)

    def run(self, name: str, secret: str = SECRET) -> None:
        (case,) = status_fault_cases(only=[name], secret=secret)
        case.deliver(
            self.app.test_client(), path=PATH, sent=lambda uuid: self.statuses.setdefault(uuid, "sent")
        )
        for uuid, status in case.final.items():
            assert self.statuses[uuid] == status


class LastStatus(Messages):
    """Keeps the status that arrived last."""

    def keep(self, fields: dict[str, object]) -> None:
        self.statuses[str(fields["message_uuid"])] = str(fields["status"])


class ErrorTitle(Messages):
    """Expects a title in each error."""

    def keep(self, fields: dict[str, Any]) -> None:
        self.statuses["title"] = fields["error"]["title"]


@pytest.mark.parametrize("name", CASES)
def test_a_right_handler_passes(name: str) -> None:
    Messages().run(name)


@pytest.mark.parametrize("name", ["reversed", "equal-timestamps"])
def test_a_handler_that_keeps_the_last_status_fails(name: str) -> None:
    with pytest.raises(AssertionError):
        LastStatus().run(name)


def test_a_handler_that_expects_the_error_in_one_place_fails() -> None:
    with pytest.raises(AssertionError, match=r"nested-error: .* was answered 500"):
        ErrorTitle().run("nested-error")


@pytest.mark.parametrize("name", [name for name in TOKEN_FAULTS if name != "clock-behind"])
def test_a_handler_that_checks_nothing_fails_the_cases_about_tokens(name: str) -> None:
    with pytest.raises(
        AssertionError, match=rf"{name}: .* was answered 200; it is not from Vonage: refuse it"
    ):
        Messages(lambda: True).run(name)


def test_a_handler_that_trusts_the_sdk_s_check_fails_what_it_does_not_check() -> None:
    from vonage_jwt import verify_signature

    def trusts() -> bool:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return bool(verify_signature(token, SECRET + "-which-is-longer-than-32-bytes"))

    failed = set()
    for case in status_fault_cases(only=TOKEN_FAULTS, secret=SECRET + "-which-is-longer-than-32-bytes"):
        try:
            case.deliver(Messages(trusts).app.test_client(), path=PATH)
        except Exception:  # noqa: BLE001  # the SDK raises its own errors, and Flask passes them on
            failed.add(case.name)

    assert failed >= {"token-of-another-body", "re-encoded-body", "stale-token", "clock-behind"}
    assert "forged-token" not in failed


def test_the_tokens_of_all_genuine_statuses_are_right() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    cases = status_fault_cases(secret=SECRET, now=now, skip=["clock-behind"])
    genuine = [each for case in cases for each in (case.receipts[:-1] if case.forged else case.receipts)]

    assert len(genuine) > 30
    assert all(verify_token(each.callback.headers, each.callback.body, SECRET, now) for each in genuine)
    forged = [case.receipts[-1].callback for case in cases if case.forged]
    assert len(forged) == len(TOKEN_FAULTS) - 1
    assert not any(verify_token(each.headers, each.body, SECRET, now) for each in forged)
    late = status_fault_cases(only=["clock-behind"], secret=SECRET, now=now)[0].receipts[0].callback
    assert verify_token(late.headers, late.body, SECRET, now)
    assert not verify_token(late.headers, late.body, SECRET, now - timedelta(minutes=1))


def test_without_a_secret_nothing_is_signed_and_no_case_is_about_tokens() -> None:
    cases = status_fault_cases(skip=["forged-token"])

    assert [case.name for case in cases] == [name for name in CASES if name not in TOKEN_FAULTS]
    assert all(each.callback.header("Authorization") is None for case in cases for each in case.receipts)
    with pytest.raises(ValueError, match="forged-token: set a signature secret"):
        status_fault_cases(only=["forged-token"])
    with pytest.raises(ValueError, match="no fault case 'stale'; there are delivered, duplicate"):
        status_fault_cases(only=["stale"])


def test_a_function_of_the_fields_gets_the_genuine_ones_only() -> None:
    taken: list[object] = []

    for case in status_fault_cases(secret=SECRET, only=["forged-token", "json-array", "duplicate"]):
        case.deliver(lambda fields: taken.append(fields["status"]))

    assert taken == ["delivered", "delivered", "submitted"]


def test_a_secret_is_in_no_repr() -> None:
    assert SECRET not in repr(status_fault_cases(secret=SECRET))
