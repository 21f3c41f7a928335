from datetime import UTC, datetime

import pytest

from devkit.errors import UsageError
from devkit.replay.new_callback import NewWebhook, Origin
from devkit.replay.trigger import notices_about, parse_err_code
from devkit.webhook.new_webhook import change_fields, make_receipt_fields
from devkit.webhook.receipt import Receipt, read, webhook_in
from devkit.webhook.signature import METHODS, Method, Signer, sign_fields, verify
from devkit.webhook.vocabulary import ERR_CODES, STATUSES

NOW = datetime(2026, 11, 23, 12, 30, 5, tzinfo=UTC)
SECRET = "test-signature-secret"
FIELDS = make_receipt_fields("delivered", "0", message_id="0A0000001234567B", pushed_at=NOW)


@pytest.mark.parametrize("status", [*STATUSES, "undelivered"])
def test_only_a_status_without_failure_has_err_code_0(status: str) -> None:
    receipt = webhook_in(read(NewWebhook(status).callback(Origin(NOW, 1, "nonce"))))

    assert receipt.err_code == ("0" if status in ("accepted", "buffered", "delivered") else "1")


@pytest.mark.parametrize("number", ERR_CODES)
def test_an_err_code_has_a_number_and_a_name(number: str) -> None:
    assert parse_err_code(number) == number
    assert parse_err_code(ERR_CODES[number].slug) == number
    assert parse_err_code(ERR_CODES[number].name) == number


def test_an_undocumented_number_is_valid() -> None:
    assert parse_err_code("95") == "95"


@pytest.mark.parametrize("text", ["absent-subscriber", "", "-1", "٣"])
def test_an_unknown_name_is_refused_with_similar_ones(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_err_code(text)

    assert repr(text) in caught.value.message
    if text.startswith("absent"):
        assert "absent-subscriber-temporary" in caught.value.hint


def notices(status: str, err_code: str) -> list[str]:
    return notices_about(Receipt({"status": status, "err-code": err_code}))


def test_documented_words_need_no_notice() -> None:
    assert [said for status in STATUSES for code in ERR_CODES for said in notices(status, code)] == []
    assert notices_about(Receipt({"status": "failed"})) == []


def test_undocumented_words_get_one() -> None:
    assert "documents (did you mean 'delivered'?)" in notices("deliverd", "0")[0]
    assert "accepted, buffered" in notices("xyz", "0")[0]
    assert "'95'" in notices("failed", "95")[0]


def test_a_set_field_has_its_place_in_vonage_s_order() -> None:
    names = list(change_fields(FIELDS, {"client-ref": "r", "new": "x", "to": "Me"}, ("price",)))

    assert names == [
        *[name for name in FIELDS if name not in ("price", "api-key", "message-timestamp")],
        "client-ref",
        "api-key",
        "message-timestamp",
        "new",
    ]


@pytest.mark.parametrize("method", METHODS)
def test_a_signature_is_right(method: Method) -> None:
    signed = sign_fields(FIELDS, Signer(SECRET, method), NOW, "aaaa", ())

    assert list(signed) == [*FIELDS, "timestamp", "nonce", "sig"]
    assert (signed["timestamp"], signed["nonce"]) == (str(int(NOW.timestamp())), "aaaa")
    assert verify(signed, SECRET, method) == "valid"


def test_chosen_fields_are_signed_and_a_chosen_signature_stays() -> None:
    signer = Signer(SECRET, "sha1")

    chosen = sign_fields({**FIELDS, "timestamp": "1"}, signer, NOW, "aaaa", ("nonce",))
    assert chosen["timestamp"] == "1"
    assert "nonce" not in chosen
    assert verify(chosen, SECRET, "sha1") == "valid"
    assert sign_fields({**FIELDS, "sig": "bad"}, signer, NOW, "aaaa", ())["sig"] == "bad"
    assert "sig" not in sign_fields(FIELDS, signer, NOW, "aaaa", ("sig",))
