import string

import pytest

from devkit.webhook.vocabulary import (
    ADVICE,
    ALL_STATUSES,
    ERR_CODES,
    FIELDS,
    IS_FINAL,
    MESSAGES_ERRORS,
    MESSAGES_STATUSES,
    STATUS_MEANINGS,
    STATUSES,
    messages_outcome,
    parse_transport,
)

# The tables of Vonage's guide "Delivery Receipts", in its words.
DOCUMENTED_CODES = {
    "0": "Delivered",
    "1": "Unknown",
    "2": "Absent Subscriber - Temporary",
    "3": "Absent Subscriber - Permanent",
    "4": "Call Barred by User",
    "5": "Portability Error",
    "6": "Anti-Spam Rejection",
    "7": "Handset Busy",
    "8": "Network Error",
    "9": "Illegal Number",
    "10": "Illegal Message",
    "11": "Unroutable",
    "12": "Destination Unreachable",
    "13": "Subscriber Age Restriction",
    "14": "Number Blocked by Carrier",
    "15": "Prepaid Insufficient Funds",
    "50": "Entity Filter",
    "51": "Header Filter",
    "52": "Content Filter",
    "53": "Consent Filter",
    "54": "Regulation Error",
    "99": "General Error",
}

# Error numbers of the Messages API, where the names of both lists are the same.
CORRESPONDING = {
    "1040": "10", "1180": "2", "1190": "3", "1200": "5", "1210": "6", "1220": "7", "1230": "8", "1240": "9",
    "1250": "11", "1260": "12", "1270": "13", "1280": "14", "1290": "15", "1330": "1",
    "1480": "50", "1481": "51", "1482": "52", "1483": "53", "1484": "54",
}  # fmt: skip


def test_every_documented_err_code_is_known_by_its_documented_name() -> None:
    assert {code: known.name for code, known in ERR_CODES.items()} == DOCUMENTED_CODES


def test_every_failure_has_advice_except_those_that_no_advice_helps() -> None:
    assert [code for code, known in ERR_CODES.items() if not known.advice] == ["0"]


def test_every_error_number_has_a_name_and_advice() -> None:
    assert all(number.isdecimal() and len(number) == 4 for number in MESSAGES_ERRORS)
    assert [number for number, error in MESSAGES_ERRORS.items() if not (error.name and error.advice)] == []


def test_error_numbers_correspond_to_documented_err_codes() -> None:
    found = {number: error.err_code for number, error in MESSAGES_ERRORS.items() if error.err_code}

    assert found == CORRESPONDING
    assert set(CORRESPONDING.values()) <= ERR_CODES.keys()


def test_there_is_one_advice_for_each_err_code_and_error_number() -> None:
    assert ERR_CODES.keys().isdisjoint(MESSAGES_ERRORS)
    assert ADVICE.keys() == {*ERR_CODES, *MESSAGES_ERRORS}
    assert (ADVICE["9"], ADVICE["1240"]) == (ERR_CODES["9"].advice, MESSAGES_ERRORS["1240"].advice)


def test_accepted_and_buffered_are_the_only_statuses_that_another_one_follows() -> None:
    assert {"accepted", "buffered"} == {name for name, status in STATUSES.items() if not status.final}
    assert {"delivered", "expired", "failed", "rejected", "unknown"} == {
        name for name, status in STATUSES.items() if status.final
    }


def test_every_status_of_both_apis_is_final_or_not() -> None:
    assert {
        **{name: status.final for name, status in STATUSES.items()},
        "submitted": False,
        "delivered": True,
        "read": True,
        "rejected": True,
        "undeliverable": True,
    } == IS_FINAL
    assert set(ALL_STATUSES) == {*IS_FINAL, "inbound"}


def test_a_status_means_what_its_api_says() -> None:
    assert STATUS_MEANINGS["sms-receipt"]["rejected"] == "refused by the carrier"
    assert STATUS_MEANINGS["messages-status"]["rejected"] == MESSAGES_STATUSES["rejected"].meaning
    assert "submitted" not in STATUS_MEANINGS["sms-receipt"]
    assert all("inbound" in words for kind, words in STATUS_MEANINGS.items() if kind.endswith("inbound"))


def test_an_err_code_can_be_typed_by_its_name() -> None:
    slugs = [known.slug for known in ERR_CODES.values()]

    assert ERR_CODES["2"].slug == "absent-subscriber-temporary"
    assert ERR_CODES["6"].slug == "anti-spam-rejection"
    assert len(set(slugs)) == len(ERR_CODES)
    assert set("".join(slugs)) <= set(string.ascii_lowercase + "-")


def test_every_field_of_a_signed_receipt_is_explained() -> None:
    sent = ["msisdn", "to", "network-code", "messageId", "price", "status", "scts", "err-code"]
    sent += ["client-ref", "api-key"]
    signing = ["timestamp", "nonce", "sig"]

    assert list(FIELDS) == [*sent, "message-timestamp", *signing]
    assert all(FIELDS.values())


@pytest.mark.parametrize(
    ("transport", "words"),
    [
        ("get", ["get", "GET", "Get"]),
        ("form", ["form", "Form", "POST", "post"]),
        ("json", ["json", "JSON", "POST-JSON", "post-json", "Post-Json"]),
    ],
)
def test_transport_is_read_in_devkit_s_and_in_the_dashboard_s_words(transport: str, words: list[str]) -> None:
    assert {parse_transport(word) for word in words} == {transport}


@pytest.mark.parametrize("word", ["", "put", "post_json", "POST JSON", " get", "query"])
def test_any_other_word_is_no_transport(word: str) -> None:
    with pytest.raises(ValueError, match=r"is no transport; there are get, form, json \(in .* POST-JSON\)"):
        parse_transport(word)


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
