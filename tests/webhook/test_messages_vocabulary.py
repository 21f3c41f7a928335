"""The words of the Messages API, and what they correspond to in the SMS API."""

import pytest

from devkit.webhook.messages_vocabulary import ERRORS, FINAL, STATUSES, messages_outcome
from devkit.webhook.vocabulary import ALL_STATUSES, ERR_CODES, advice, is_final, meaning, status_meaning
from devkit.webhook.vocabulary import STATUSES as SMS_STATUSES

# Where the names of both lists coincide.
CORRESPONDING = {
    "1040": "10", "1180": "2", "1190": "3", "1200": "5", "1210": "6", "1220": "7", "1230": "8", "1240": "9",
    "1250": "11", "1260": "12", "1270": "13", "1280": "14", "1290": "15", "1330": "1",
    "1480": "50", "1481": "51", "1482": "52", "1483": "53", "1484": "54",
}  # fmt: skip


def test_every_error_has_a_title_and_advice() -> None:
    assert all(number.isdecimal() and len(number) == 4 for number in ERRORS)
    assert [number for number, error in ERRORS.items() if not (error.title and error.advice)] == []
    assert all(advice(number) == error.advice for number, error in ERRORS.items())


def test_errors_correspond_to_documented_err_codes() -> None:
    assert {number: error.err_code for number, error in ERRORS.items() if error.err_code} == CORRESPONDING
    assert set(CORRESPONDING.values()) <= ERR_CODES.keys()


def test_numbers_and_err_codes_share_one_meaning_and_one_advice() -> None:
    assert meaning("1240", "rejected") == "Illegal number"
    assert meaning("9", "failed") == "Illegal Number"
    assert meaning("1999", "rejected") == "Undocumented error 1999"
    assert meaning("95", "failed") == "Undocumented err-code 95"
    assert advice("9")
    assert advice("95") == advice("1999") == advice("") == ""
    assert ERRORS.keys().isdisjoint(ERR_CODES)


def test_every_status_of_both_apis_is_final_or_not() -> None:
    assert {status: is_final(status) for status in STATUSES} == {
        "submitted": False,
        "delivered": True,
        "read": True,
        "rejected": True,
        "undeliverable": True,
    }
    assert STATUSES.keys() >= FINAL
    assert all(is_final(name) is status.final for name, status in SMS_STATUSES.items())
    assert is_final("inbound") is is_final("melted") is None
    assert set(ALL_STATUSES) == {*STATUSES, *SMS_STATUSES, "inbound"}


def test_a_status_means_what_its_api_says() -> None:
    assert status_meaning("sms-receipt", "rejected") == "refused by the carrier"
    assert status_meaning("messages-status", "rejected") == STATUSES["rejected"]
    assert status_meaning("sms-receipt", "submitted") == "no document lists this status"
    assert status_meaning("sms-receipt", "inbound") == "no document lists this status"


@pytest.mark.parametrize(
    ("status", "err_code", "outcome"),
    [
        ("accepted", "0", ("submitted", "")),
        ("buffered", "0", None),
        ("delivered", "0", ("delivered", "")),
        ("expired", "1", ("rejected", "1360")),
        ("unknown", "1", ("rejected", "1330")),
        ("unknown", "2", ("rejected", "1330")),
        ("failed", "2", ("rejected", "1180")),
        ("failed", "9", ("rejected", "1240")),
        ("rejected", "6", ("rejected", "1210")),
        ("rejected", "52", ("rejected", "1482")),
        ("failed", "4", ("rejected", "1330")),
        ("failed", "99", ("rejected", "1330")),
    ],
)
def test_a_receipt_corresponds_to_a_status(
    status: str, err_code: str, outcome: tuple[str, str] | None
) -> None:
    assert messages_outcome(status, err_code) == outcome
