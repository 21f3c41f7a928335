import hashlib
import hmac
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from vonage_http_client import Auth

from devkit.webhook.signature import METHODS, Method, Signer, has_plain_names, sign, sign_fields, verify
from tests.support.strategies import any_text, json_values, plain_text

SECRET = "test-signature-secret"
FIELDS = {
    "msisdn": "447700900000",
    "to": "AcmeInc",
    "network-code": "12345",
    "messageId": "0A0000001234567B",
    "price": "0.03330000",
    "status": "delivered",
    "scts": "2001011400",
    "err-code": "0",
    "api-key": "abcd1234",
    "client-ref": "a&b=c",
    "message-timestamp": "2020-01-01 12:00:00",
    "timestamp": "1577880000",
    "nonce": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
}
SIGNATURES: dict[Method, str] = {
    "md5hash": "3a1cce746ea04264c38dafea9cac575e",
    "md5": "f1215ec8ff5db8da1ee849f86c7d0eab",
    "sha1": "a0651dd844316fcbcb66d9fb4e1b62a78903f8d3",
    "sha256": "45a7a3fc04d825aa7015f1a23d3b39698bcc5ac40d13beff2793e88972a07fa6",
    "sha512": (
        "aa1c214823db7ed5be7e540cb60d9967ebf18f8e9b0fe05aec6e8bab96f4d912"
        "a86105880129c33c4baa2e94b80e18f5ff37c9a4bb6547d0914fc053d7bb3f4c"
    ),
}

methods = st.sampled_from(METHODS)
signed_fields = st.dictionaries(plain_text.filter(lambda name: name != "sig"), plain_text).map(
    lambda fields: {**fields, "timestamp": "1577880000"}
)


def test_there_are_five_methods() -> None:
    assert list(SIGNATURES) == list(METHODS)


@pytest.mark.parametrize(("method", "signature"), SIGNATURES.items())
def test_known_signatures_are_made_and_found_valid(method: Method, signature: str) -> None:
    assert sign(FIELDS, SECRET, method) == signature
    assert verify({**FIELDS, "sig": signature}, SECRET, method) == "valid"
    assert verify({**FIELDS, "sig": signature.upper()}, SECRET, method) == "valid"


@given(signed_fields, st.sampled_from(["md5", "sha1", "sha256", "sha512"]))
def test_the_sdk_agrees_wherever_it_can_check(fields: dict[str, str], method: Method) -> None:
    auth = Auth(api_key="abcd1234", signature_secret=SECRET, signature_method=method)

    assert auth.check_signature({**fields, "sig": sign(fields, SECRET, method)})


@given(st.dictionaries(any_text, json_values), json_values, any_text, methods)
def test_no_json_values_raise(
    fields: dict[str, object], signature: object, secret: str, method: Method
) -> None:
    verdict = verify({**fields, "sig": signature}, secret, method)

    assert verdict == ("absent" if signature is None else "invalid" if secret else "unchecked")


@given(signed_fields, methods, st.data())
def test_one_changed_value_makes_it_invalid(
    fields: dict[str, str], method: Method, data: st.DataObject
) -> None:
    signature = sign(fields, SECRET, method)
    name = data.draw(st.sampled_from(sorted(fields)))
    changed = {**fields, name: fields[name] + "x", "sig": signature}

    assert verify(changed, SECRET, method) == "invalid"


@given(signed_fields, methods, st.randoms(use_true_random=False))
def test_the_order_of_arrival_and_a_former_sig_do_not_matter(
    fields: dict[str, str], method: Method, random: Random
) -> None:
    shuffled = [*fields.items(), ("sig", "former")]
    random.shuffle(shuffled)

    assert sign(dict(shuffled), SECRET, method) == sign(fields, SECRET, method)


def test_names_are_sorted_by_code_point() -> None:
    expected = hashlib.md5(b"&message-timestamp=2&messageId=1").hexdigest()

    assert sign({"messageId": "1", "message-timestamp": "2"}, "", "md5hash") == expected


def test_ampersands_and_equals_signs_in_values_count_as_underscores() -> None:
    assert sign({"to": "a&b=c"}, SECRET, "sha256") == sign({"to": "a_b_c"}, SECRET, "sha256")


@pytest.mark.parametrize(
    ("corner", "signed_as"),
    [
        ({"client-ref": ""}, "&client-ref="),
        ({"client-ref": None}, "&client-ref=None"),
        ({"client-ref": True}, "&client-ref=True"),
    ],
)
def test_in_the_corners_where_sdks_disagree_devkit_is_with_the_one_for_python(
    corner: dict[str, object], signed_as: str
) -> None:
    auth = Auth(api_key="abcd1234", signature_secret=SECRET, signature_method="sha256")
    sig = hmac.new(SECRET.encode(), f"{signed_as}&timestamp=1".encode(), "sha256").hexdigest()
    fields = {**corner, "timestamp": "1", "sig": sig}

    assert auth.check_signature(fields)
    assert verify(fields, SECRET, "sha256") == "valid"


@pytest.mark.parametrize("name", ["to&status", "to=x", "&", "="])
@pytest.mark.parametrize("method", METHODS)
def test_a_name_that_cuts_the_signed_text_makes_it_invalid(name: str, method: Method) -> None:
    fields = {"msisdn": "447700900000", name: "delivered", "timestamp": "1577880000"}

    assert not has_plain_names(fields)
    assert verify({**fields, "sig": sign(fields, SECRET, method)}, SECRET, method) == "invalid"
    assert verify({**fields, "sig": "x"}, "", method) == "unchecked"
    assert verify(fields, SECRET, method) == "absent"


def test_a_status_cannot_be_moved_into_another_field() -> None:
    sig = sign({"err-code": "0", "status": "failed", "to": "AcmeInc"}, SECRET, "md5")
    forged = {"err-code=0&status": "failed", "to": "AcmeInc", "sig": sig}

    assert verify(forged, SECRET, "md5") == "invalid"


texts_that_cut = st.text("ab&=_", max_size=4)


@given(st.dictionaries(texts_that_cut, texts_that_cut, min_size=1, max_size=4), st.data())
def test_no_other_division_of_the_signed_text_is_valid(fields: dict[str, str], data: st.DataObject) -> None:
    """Values count with _ for & and =: that two such values share a signature is the vendor's rule."""
    text = "".join(f"&{name}={as_signed(value)}" for name, value in sorted(fields.items()))
    other = data.draw(divisions(text))
    signature = sign(fields, SECRET, "md5")

    assert sign(other, SECRET, "md5") == signature
    valid = [each for each in (fields, other) if verify({**each, "sig": signature}, SECRET, "md5") == "valid"]
    assert len({tuple(sorted((name, as_signed(each[name])) for name in each)) for each in valid}) <= 1


def as_signed(value: str) -> str:
    return value.replace("&", "_").replace("=", "_")


@st.composite
def divisions(draw: st.DrawFn, text: str) -> dict[str, str]:
    """Fields whose signed text this is, found by cutting it at any & and = where that gives such fields."""
    cuts = [place for place, char in enumerate(text) if char == "&" and place > 0]
    chosen = sorted(draw(st.sets(st.sampled_from(cuts)))) if cuts else []
    fields = {}
    for start, end in zip([0, *chosen], [*chosen, len(text)], strict=True):
        piece = text[start + 1 : end]
        # The value begins at the last =, so the name has what a value must not contain.
        name, mark, value = piece.rpartition("=")
        assume(mark and "&" not in value and name not in fields)
        fields[name] = value
    assume(list(fields) == sorted(fields) and "sig" not in fields)
    return fields


@pytest.mark.parametrize("method", METHODS)
def test_another_secret_or_method_is_invalid(method: Method) -> None:
    fields = {**FIELDS, "sig": SIGNATURES[method]}

    assert verify(fields, "another-secret", method) == "invalid"
    assert {verify(fields, SECRET, other) for other in METHODS if other != method} == {"invalid"}


def test_without_a_sig_there_is_nothing_to_check() -> None:
    assert verify(FIELDS, SECRET, "md5") == "absent"
    assert verify(FIELDS, "", "md5") == "absent"


def test_without_a_secret_a_signature_is_unchecked() -> None:
    assert verify({**FIELDS, "sig": SIGNATURES["md5"]}, "", "md5") == "unchecked"


@pytest.mark.parametrize("signature", ["", "ünï", "\ud800", 5, ["x"], SIGNATURES["sha256"][:-1]])
def test_a_signature_of_any_other_kind_is_invalid(signature: object) -> None:
    assert verify({**FIELDS, "sig": signature}, SECRET, "sha256") == "invalid"


@pytest.mark.parametrize("method", METHODS)
def test_an_account_signs_hmacs_in_upper_case(method: Method) -> None:
    made = Signer("secret", method).sign({"status": "delivered"})
    plain = sign({"status": "delivered"}, "secret", method)

    assert made == (plain if method == "md5hash" else plain.upper())
    assert made != made.swapcase()


def test_fields_are_signed_with_what_they_have_and_without_what_is_unset() -> None:
    signer, now = Signer("secret", "sha256"), datetime(2026, 11, 23, tzinfo=UTC)
    fields = {"status": "delivered", "nonce": "mine"}

    signed = sign_fields(fields, signer, now, "fresh")

    assert list(signed) == ["status", "nonce", "timestamp", "sig"]
    assert (signed["nonce"], signed["timestamp"]) == ("mine", str(int(now.timestamp())))
    assert verify(signed, "secret", "sha256") == "valid"
    assert sign_fields({**fields, "sig": "wrong"}, signer, now, "fresh")["sig"] == "wrong"
    assert sign_fields(fields, signer, now, "fresh", ["timestamp", "sig"]) == fields
