"""A fixture explained."""

import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devkit.callback import Callback, compose
from devkit.catalogue import TEST_SIGNATURE_SECRET
from devkit.explanation.explain import Explanation, explain
from devkit.fixture import Fixture, load
from devkit.signature import METHODS, Method, sign
from devkit.vocabulary import ERR_CODES, FIELDS, STATUSES

SAMPLES = Path(__file__).parents[1] / "fixtures" / "samples"
MOMENT = datetime(2026, 6, 1, tzinfo=UTC)
SECRET = "an-account-secret"


def explained(name: str, secret: str = "", method: Method = "md5hash", numbers: bool = False) -> Explanation:
    return explain(load(SAMPLES / f"{name}.json"), secret=secret, method=method, numbers=numbers)


def values(explanation: Explanation) -> dict[str, str]:
    return {field.name: field.value for field in explanation.fields}


def of(fields: dict[str, object], secret: str = "", method: Method = "md5hash") -> Explanation:
    fixture = Fixture(MOMENT, compose({"status": "delivered", **fields}, "json"))
    return explain(fixture, secret=secret, method=method)


@pytest.mark.parametrize("status", STATUSES)
def test_status_is_explained(status: str) -> None:
    explanation = explained(status)

    assert (explanation.status, explanation.final) == (status, STATUSES[status].final)
    assert explanation.status_meaning == STATUSES[status].meaning


@pytest.mark.parametrize("code", [code for code in ERR_CODES if code != "0"])
def test_err_code_is_explained_with_advice(code: str) -> None:
    explanation = of({"err-code": code})

    assert explanation.err_code_meaning == ERR_CODES[code].name
    assert explanation.advice == ERR_CODES[code].advice


def test_zero_is_no_error_and_means_delivered_only_with_delivered() -> None:
    assert explained("accepted").err_code_meaning == "No error"
    assert explained("delivered").err_code_meaning == "Delivered"
    assert explained("expired-no-reason").err_code_meaning == "No reason given"


def test_unknown_words_are_named_as_such() -> None:
    assert explained("unknown-status").final is None
    assert "no document lists" in explained("unknown-status").status_meaning
    assert explained("unknown-err-code").err_code_meaning == "Undocumented err-code 95"
    assert explained("unknown-err-code").advice == ""


def test_missing_err_code_is_not_explained() -> None:
    assert (of({}).err_code, of({}).err_code_meaning) == ("", "")


def test_every_documented_field_has_its_meaning() -> None:
    explanation = explained("signed-sha256")

    assert [field.name for field in explanation.fields] == [name for name in FIELDS if name != "client-ref"]
    assert all(field.meaning == FIELDS[field.name] for field in explanation.fields)


def test_undocumented_field_is_kept_without_a_meaning() -> None:
    assert [field.meaning for field in explained("extra-field").fields if field.name == "x-new"] == [""]


def test_numbers_are_masked_unless_asked_for() -> None:
    assert values(explained("sender-number"))["msisdn"] == "*********000"
    assert values(explained("sender-number"))["to"] == "*********200"
    assert values(explained("sender-number", numbers=True))["to"] == "447700900200"


def test_numbers_in_fields_that_no_document_lists_are_masked() -> None:
    shown = str(of({"from": "447700900123", "more": {"deep": [447700900123]}, "client-ref": "447700900123"}))

    assert "4477009" not in shown


def test_digits_that_are_no_number_stay() -> None:
    shown = values(explained("signed-sha256"))

    assert shown["scts"] == "2606011157"
    assert shown["timestamp"].isdecimal()
    assert shown["messageId"] == str(uuid.UUID(shown["messageId"]))


def test_values_of_other_types_are_told_as_json() -> None:
    assert values(explained("json-null"))["network-code"] == "null"
    assert values(explained("json-numbers"))["err-code"] == "0"


@pytest.mark.parametrize("method", METHODS)
def test_signature_is_checked_anew(method: Method) -> None:
    explanation = explained(f"signed-{method}", TEST_SIGNATURE_SECRET, method)

    assert explanation.signature == "valid"
    assert method in explanation.signature_detail


@pytest.mark.parametrize("method", METHODS)
def test_method_that_fits_is_named_when_the_configured_one_does_not(method: Method) -> None:
    other: Method = "sha1" if method != "sha1" else "sha512"
    fields = {"status": "delivered", "timestamp": "1"}

    explanation = of({**fields, "sig": sign(fields, SECRET, method)}, SECRET, other)

    assert explanation.signature == "invalid"
    assert f"set VONAGE_SIGNATURE_METHOD={method} (it is {other} now)" in explanation.signature_detail


def test_samples_secret_is_recognised() -> None:
    for secret, verdict in (("", "unchecked"), (SECRET, "invalid")):
        explanation = explained("signed-sha512", secret)
        assert explanation.signature == verdict
        assert "valid with sha512 and the samples' secret" in explanation.signature_detail


def test_signature_that_nothing_fits() -> None:
    assert "No method fits" in explained("signed-tampered", SECRET, "sha256").signature_detail
    assert "VONAGE_SIGNATURE_SECRET" in explained("signed-tampered").signature_detail


def test_a_field_name_that_cuts_the_signed_text_is_the_reason() -> None:
    fields = {"status": "delivered", "a&b": "c"}

    for secret, verdict in (("", "unchecked"), (SECRET, "invalid")):
        explanation = of({**fields, "sig": sign(fields, SECRET, "md5")}, secret, "md5")
        assert explanation.signature == verdict
        assert "A field name holds & or =" in explanation.signature_detail


def test_missing_signature() -> None:
    assert explained("delivered", SECRET).signature == "absent"


def test_account_secret_is_never_told() -> None:
    fields = {"status": "delivered", "timestamp": "1"}
    for method in METHODS:
        assert SECRET not in repr(of({**fields, "sig": sign(fields, SECRET, "sha1")}, SECRET, method))


def test_problem_stands_in_for_a_receipt() -> None:
    explanation = explained("inbound-sms")

    assert "inbound SMS" in explanation.problem
    assert (explanation.status, explanation.fields, explanation.traps) == ("", (), ())


def test_secret_segment_of_the_path_is_hidden() -> None:
    fixture = Fixture(MOMENT, Callback("GET", "/webhooks/delivery-receipt/s3cr3t?status=delivered"))

    explanation = explain(fixture, secret="", method="md5")

    assert explanation.path == "/webhooks/delivery-receipt/[hidden]"
    assert "s3cr3t" not in repr(explanation)


def test_traps_of_the_receipt_are_told() -> None:
    assert any("`scts` says 11:57" in trap for trap in explained("delivered").traps)
