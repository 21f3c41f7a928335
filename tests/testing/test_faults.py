import hmac
import threading

import pytest
from flask import Flask, request

from devkit.testing import ERR_CODES, STATUSES, fault_cases, sign
from devkit.webhook.callback import TRANSPORTS
from devkit.webhook.signature import verify

PATH = "/webhooks/dlr"
CASES = {case.name: case for case in fault_cases()}
FINAL = {"delivered", "expired", "failed", "rejected", "unknown"}
DEADLINE = 10.0  # seconds


class Messages:
    """A right handler, and hooks to make it a wrong one."""

    def __init__(self, handle=None):
        self.statuses = {}
        self.lock = threading.Lock()
        self.app = Flask(__name__)
        self.app.add_url_rule(PATH, view_func=self.view, methods=["GET", "POST"])
        self.handle = handle or self.keep

    def view(self):
        fields = request.get_json() if request.is_json else request.values
        if not hasattr(fields, "keys"):
            return "", 400
        answer = self.handle(fields)
        return "", answer or 200

    def keep(self, fields):
        with self.lock:
            if self.statuses.get(fields["messageId"]) not in FINAL:
                self.statuses[fields["messageId"]] = fields["status"]

    def sent(self, message_id):
        self.statuses.setdefault(message_id, "sent")

    def run(self, name, via=TRANSPORTS):
        (case,) = fault_cases(via, only=[name])
        case.deliver(self.app.test_client(), path=PATH, sent=self.sent)
        for message_id, status in case.final.items():
            assert self.statuses[message_id] == status


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("via", TRANSPORTS)
def test_right_handler_passes(name, via):
    if not name.startswith("via-") or name == f"via-{via}":
        Messages().run(name, via)


@pytest.mark.parametrize("name", ["reversed", "late-buffered"])
def test_handler_that_keeps_the_last_word_fails(name):
    messages = Messages()
    messages.handle = lambda fields: messages.statuses.update({fields["messageId"]: fields["status"]})

    with pytest.raises(AssertionError):
        messages.run(name)


@pytest.mark.parametrize("name", ["via-form", "via-json"])
def test_handler_of_one_transport_fails(name):
    messages = Messages()
    messages.app = Flask(__name__)
    messages.app.add_url_rule(PATH, view_func=messages.view)

    with pytest.raises(
        AssertionError, match=rf"{name}: <SampleWebhook .*> was answered 405; Vonage wants 200"
    ):
        messages.run(name)


def test_handler_that_needs_a_stored_message_fails():
    messages = Messages()
    messages.handle = lambda fields: 200 if fields["messageId"] in messages.statuses else 404

    with pytest.raises(AssertionError, match=r"before-send-returned: .* was answered 404"):
        messages.run("before-send-returned")


def test_handler_that_wants_every_field_fails():
    messages = Messages(lambda fields: 200 if fields.get("scts") and fields.get("network-code") else 500)

    with pytest.raises(AssertionError, match=r"missing-fields: .* was answered 500"):
        messages.run("missing-fields")


def test_handler_that_refuses_new_fields_fails():
    messages = Messages(lambda fields: 422 if "new-field" in fields else 200)

    with pytest.raises(AssertionError, match=r"extra-field: .* was answered 422"):
        messages.run("extra-field")


@pytest.mark.parametrize(
    ("name", "handle"),
    [
        ("unknown-status", lambda fields: 200 if fields["status"] in STATUSES else 500),
        ("unknown-err-code", lambda fields: 200 if fields["err-code"] in ERR_CODES else 500),
    ],
)
def test_handler_that_knows_only_documented_words_fails(name, handle):
    with pytest.raises(AssertionError, match="was answered 500"):
        Messages(handle).run(name)


def test_handler_that_compares_signatures_carelessly_fails():
    def careless(fields):
        hmac.compare_digest(fields.get("sig", ""), "0" * 32)

    with pytest.raises(
        AssertionError, match=r"non-ascii-signature: .* was answered 500; Vonage wants 200, or 4xx"
    ):
        Messages(careless).run("non-ascii-signature")


def test_forged_receipt_may_be_refused():
    Messages(lambda fields: 401).run("non-ascii-signature")


def test_concurrent_duplicates_are_in_the_handler_at_once():
    both = threading.Barrier(2)

    messages = Messages()

    def handle(fields):
        both.wait(DEADLINE)  # one alone would never go on
        messages.keep(fields)

    messages.handle = handle
    messages.run("concurrent-duplicate")


def test_what_a_concurrent_handler_raises_comes_through():
    def fail(fields):
        raise LookupError("on purpose")

    with pytest.raises(LookupError, match="on purpose"):
        CASES["concurrent-duplicate"].deliver(fail)


def test_sent_is_called_before_the_receipts_or_after():
    def order(name):
        events = []
        CASES[name].deliver(lambda fields: events.append("receipt"), sent=events.append)
        return events

    assert order("duplicate") == ["3c7e09b1-5a4d-4f68-8a00-00001234567b", "receipt", "receipt"]
    assert order("before-send-returned") == ["receipt", "3c7e09b1-5a4d-4f68-8a00-00001234567b"]
    assert len(order("one-per-part")) == 3 + 6


def test_duplicates_are_the_same_bytes():
    first, second = CASES["duplicate"].receipts

    assert first.callback == second.callback


def test_expired_comes_72_hours_later():
    accepted, expired = CASES["expired"].receipts

    assert (expired.recorded_at - accepted.recorded_at).total_seconds() == 72 * 3600
    assert expired.fields["message-timestamp"] == "2020-01-04 12:00:00"
    assert CASES["expired"].final == {expired.message_id: "expired"}


def test_function_gets_no_callback_without_fields():
    assert CASES["json-array"].deliver(lambda fields: None) == []


def test_secret_signs_all_but_the_non_ascii_signature():
    verdicts = {
        case.name: {
            verify(receipt.fields, "a-secret", "sha256") for receipt in case.receipts if receipt.fields
        }
        for case in fault_cases(secret="a-secret", method="sha256")
    }

    assert verdicts.pop("non-ascii-signature") == {"invalid"}
    assert verdicts.pop("json-array") == set()
    assert set(map(tuple, verdicts.values())) == {("valid",)}


def test_without_a_secret_nothing_is_signed():
    signed = [
        name for name, case in CASES.items() if any("sig" in receipt.fields for receipt in case.receipts)
    ]

    assert signed == ["non-ascii-signature"]


def test_via_restricts_the_transports():
    names = [case.name for case in fault_cases("json")]
    vias = {receipt.via for case in fault_cases("json") for receipt in case.receipts}

    assert "via-json" in names
    assert "via-get" not in names
    assert vias == {"json"}


def test_only_and_skip_choose_cases():
    assert [case.name for case in fault_cases(only=["reversed", "duplicate"])] == ["duplicate", "reversed"]
    assert "duplicate" not in [case.name for case in fault_cases(skip=["duplicate"])]
    assert next(case.name for case in fault_cases("GET", skip=["via-form"])) == "via-get"


def test_unknown_case_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match=r"no fault case 'duplicated'; there are via-get, .* json-array"):
        fault_cases(only=["duplicated"])


def test_public_signer_is_the_receivers():
    fields = {"status": "delivered", "timestamp": "1577880000"}

    assert verify({**fields, "sig": sign(fields, "a-secret", "sha512")}, "a-secret", "sha512") == "valid"
