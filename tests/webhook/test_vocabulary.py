import string

import pytest

from devkit.webhook.vocabulary import ERR_CODES, FIELDS, STATUSES, meaning, parse_transport, reason

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


def test_every_documented_err_code_is_known_by_its_documented_name() -> None:
    assert {code: known.name for code, known in ERR_CODES.items()} == DOCUMENTED_CODES


def test_every_failure_has_advice_except_those_that_no_advice_helps() -> None:
    assert [code for code, known in ERR_CODES.items() if not known.advice] == ["0"]


def test_accepted_and_buffered_are_the_only_statuses_that_another_one_follows() -> None:
    assert {"accepted", "buffered"} == {name for name, status in STATUSES.items() if not status.final}
    assert {"delivered", "expired", "failed", "rejected", "unknown"} == {
        name for name, status in STATUSES.items() if status.final
    }


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
    ("code", "words"),
    [("", ""), ("0", "Delivered"), ("53", "Consent Filter"), ("95", "Undocumented err-code 95")],
)
def test_an_undocumented_err_code_has_a_meaning_too(code: str, words: str) -> None:
    assert meaning(code, "delivered") == words


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("delivered", "Delivered"),
        ("accepted", "No error"),
        ("buffered", "No error"),
        ("expired", "No reason given"),
        ("failed", "No reason given"),
        ("undelivered", "No reason given"),
    ],
)
def test_zero_means_what_its_status_lets_it_mean(status: str, words: str) -> None:
    assert meaning("0", status) == words


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
    ("err_code", "status", "words"),
    [
        ("0", "delivered", ""),
        ("0", "accepted", ""),
        ("0", "expired", "No reason given"),
        ("2", "failed", "Absent Subscriber - Temporary"),
        ("95", "failed", "Undocumented err-code 95"),
        ("", "failed", ""),
    ],
)
def test_a_reason_is_there_only_when_it_adds_to_the_status(err_code: str, status: str, words: str) -> None:
    assert reason(err_code, status) == words
