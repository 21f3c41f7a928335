"""The token of a webhook: the worked example, each reason to refuse one, and PyJWT as the judge."""

import json
import warnings
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vonage_jwt import verify_signature

from devkit.webhook.callback import Headers
from devkit.webhook.jwt import (
    TokenVerdict,
    application_in,
    claims_of,
    make_token,
    payload_hash,
    sign_claims,
    verify_token,
)
from tests.support.strategies import any_text, json_objects, json_values

SECRET = "devkit-signature-secret-of-32-bytes!"
BODY = (
    b'{"to":"447700900000","from":"447700900001","channel":"sms",'
    b'"message_uuid":"aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab","timestamp":"2025-02-03T12:14:25Z",'
    b'"usage":{"price":"0.0333","currency":"EUR"},"status":"submitted"}'
)
HASH = "e6d2bcbdec18984744e07f4e67b718c8d5dd3a1a46133b45782f753fd79c5f39"
NOW = datetime.fromtimestamp(1738584865, UTC)
ACCOUNT = "abcd1234"
APPLICATION = "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"
JTI = "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5"
TOKEN = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
    "eyJpYXQiOjE3Mzg1ODQ4NjUsImp0aSI6ImM1YmE4ZjI0LTFhMTQtNGMxMC1iZmRmLTNmYmU4Y2U1MTFiNSIsImlzcyI6IlZvbmFnZSIs"
    "InBheWxvYWRfaGFzaCI6ImU2ZDJiY2JkZWMxODk4NDc0NGUwN2Y0ZTY3YjcxOGM4ZDVkZDNhMWE0NjEzM2I0NTc4MmY3NTNmZDc5YzVm"
    "MzkiLCJhcGlfa2V5IjoiYWJjZDEyMzQiLCJhcHBsaWNhdGlvbl9pZCI6ImFhYWFhYWFhLWJiYmItY2NjYy1kZGRkLTAxMjM0NTY3ODlh"
    "YiJ9.pLI7_qqdhNT5kzRCizZlUzg-2fj2PKINUKSUuudtzCg"
)
VALID: Headers = (("Authorization", f"Bearer {TOKEN}"),)
CLAIMS: dict[str, object] = {
    "iat": 1738584865,
    "jti": JTI,
    "iss": "Vonage",
    "payload_hash": HASH,
    "api_key": ACCOUNT,
    "application_id": APPLICATION,
}


def headers(authorization: str | None) -> Headers:
    return () if authorization is None else (("Authorization", authorization),)


def check(header: str | None, body: bytes = BODY, secret: str = SECRET) -> TokenVerdict:
    return verify_token(headers(header), body, secret, NOW)


def signed(changes: dict[str, object], without: str = "") -> str:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if name != without}
    return f"Bearer {sign_claims(claims, SECRET)}"


@pytest.mark.parametrize("claimed", ["", "no-id", 7, None, "78d335fa-323d-0114-9c3d-d6f0d48968cf\n", ["x"]])
def test_only_a_right_id_is_the_application_of_a_token(claimed: object) -> None:
    right = "78d335fa-323d-0114-9c3d-d6f0d48968cf"

    assert application_in(f"Bearer {sign_claims({'application_id': claimed}, SECRET)}") == ""
    assert application_in(f"Bearer {sign_claims({'application_id': right}, SECRET)}") == right
    assert application_in(None) == application_in("Bearer x.y.z") == ""


def test_the_worked_example_is_made_to_the_byte() -> None:
    token = make_token(BODY, SECRET, api_key=ACCOUNT, application_id=APPLICATION, now=NOW, jti=JTI)

    assert payload_hash(BODY) == HASH
    assert token == TOKEN
    assert claims_of(f"Bearer {token}") == CLAIMS


def test_the_worked_example_is_valid() -> None:
    verdict = verify_token(VALID, BODY, SECRET, NOW, api_key=ACCOUNT, application_id=APPLICATION)

    assert verdict == TokenVerdict("valid")
    assert verdict
    assert verify_token((("authorization", f"bearer {TOKEN}"),), BODY, SECRET, NOW) == verdict


def test_a_webhook_of_the_account_names_no_application() -> None:
    token = make_token(BODY, SECRET, api_key=ACCOUNT, now=NOW, jti=JTI)

    assert "application_id" not in claims_of(f"Bearer {token}")
    assert check(f"Bearer {token}").verdict == "valid"


@pytest.mark.parametrize("header", [None, "", "Basic YWJjZA==", TOKEN])
def test_without_bearer_there_is_no_token(header: str | None) -> None:
    assert check(header).verdict == "absent"
    assert not check(header)


def test_without_a_secret_it_is_unchecked() -> None:
    assert check(f"Bearer {TOKEN}", secret="").verdict == "unchecked"
    assert check(None, secret="").verdict == "absent"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (f"Bearer {sign_claims(CLAIMS, 'another')}", "forged, or signed with the secret of another account"),
        (f"Bearer {sign_claims(CLAIMS, 'another')}", "It names account 'abcd1234'"),
        (f"Bearer {TOKEN[:-1]}", "forged"),
        (f"Bearer {TOKEN}=", "no JSON Web Token"),
        (f"Bearer {TOKEN}, Bearer {TOKEN}", "no JSON Web Token"),
        ("Bearer", "no JSON Web Token"),
        ("Bearer a.b.c", "The header of the token cannot be read"),
        (f"Bearer {jwt.encode(CLAIMS, '', algorithm='none')}", "not signed (alg none)"),
        (f"Bearer {jwt.encode(CLAIMS, SECRET * 2, algorithm='HS512')}", "signed with 'HS512'"),
        (f"Bearer {jwt.encode(CLAIMS, SECRET, 'HS256', {'crit': ['b64']})}", "requires an extension"),
        (signed({}, without="payload_hash"), "no payload_hash"),
        (signed({"payload_hash": HASH.upper()}), "payload hash is wrong"),
        (signed({"iss": "vonage"}), "issued by 'vonage', not by Vonage"),
        (signed({}, without="iss"), "issued by 'None'"),
        (signed({}, without="iat"), "does not say when it was made"),
        (signed({"iat": True}), "no time in iat: 'True'"),
        (signed({"iat": "1738584865"}), "no time in iat"),
        (signed({"iat": 10**40}), "no time in iat"),
        (signed({"iat": CLAIMS["iat"], "exp": 1738584800}), "expired on 2025-02-03 at 12:13:20 UTC"),
        (signed({"nbf": 1738584930}), "from the future, 2025-02-03 at 12:15:30 UTC"),
    ],
)
def test_each_invalid_token_has_its_reason(header: str, reason: str) -> None:
    verdict = check(header)

    assert verdict.verdict == "invalid"
    assert reason in verdict.reason
    assert not verdict


def test_other_bytes_with_the_same_meaning_are_not_what_was_signed() -> None:
    reencoded = json.dumps(json.loads(BODY)).encode()

    verdict = check(f"Bearer {TOKEN}", reencoded)

    assert verdict.verdict == "invalid"
    assert "a proxy re-encoded the body, or somebody changed it" in verdict.reason


def test_a_request_without_a_body_needs_no_hash() -> None:
    assert check(signed({}, without="payload_hash"), b"").verdict == "valid"
    assert check(f"Bearer {TOKEN}", b"").verdict == "invalid"


@pytest.mark.parametrize(
    ("age", "reason"),
    [
        (timedelta(hours=25, seconds=1), "stale: it was made on 2025-02-03 at 12:14:25 UTC"),
        (timedelta(hours=25), ""),
        (timedelta(seconds=-60), ""),
        (timedelta(seconds=-61), "from the future"),
    ],
)
def test_its_age_is_that_of_a_webhook_that_vonage_still_sends(age: timedelta, reason: str) -> None:
    verdict = verify_token(VALID, BODY, SECRET, NOW + age)

    assert verdict.verdict == ("invalid" if reason else "valid")
    assert reason in verdict.reason
    assert verify_token(VALID, BODY, SECRET, None).verdict == "valid"


@pytest.mark.parametrize(
    ("expected", "header", "reason"),
    [
        ({"api_key": "efgh5678"}, f"Bearer {TOKEN}", "is for api_key 'abcd1234'; expected 'efgh5678'"),
        ({"application_id": "another"}, f"Bearer {TOKEN}", f"is for application_id '{APPLICATION}'"),
        (
            {"application_id": APPLICATION},
            signed({}, without="application_id"),
            f"names no application_id; expected '{APPLICATION}'",
        ),
    ],
)
def test_it_can_be_bound_to_an_account_and_an_application(
    expected: dict[str, str], header: str, reason: str
) -> None:
    verdict = verify_token(headers(header), BODY, SECRET, NOW, **expected)

    assert verdict.verdict == "invalid"
    assert reason in verdict.reason


def test_several_headers_are_refused_although_one_is_valid() -> None:
    several = (*VALID, ("AUTHORIZATION", "Bearer a.b.c"))

    assert verify_token(several[:1], BODY, SECRET, NOW).verdict == "valid"
    assert verify_token(several, BODY, SECRET, NOW).reason == (
        "There are 2 Authorization headers; Vonage sends one."
    )
    assert verify_token((), BODY, SECRET, NOW).verdict == "absent"


def test_a_claim_that_appears_twice_is_refused() -> None:
    text = json.dumps(CLAIMS).replace('"iss"', '"api_key": "efgh5678", "iss"')
    token = jwt.api_jws.encode(text.encode(), SECRET, "HS256")

    assert "'api_key' appears twice" in check(f"Bearer {token}").reason
    assert claims_of(f"Bearer {token}") == {}


def test_what_is_shown_of_a_token_is_one_printable_line() -> None:
    reason = check(signed({"iss": "\x1b[31m\u202eegarnoV\n" + "x" * 500})).reason

    assert reason.isprintable()
    assert len(reason) < 200


@given(json_objects, st.binary(max_size=40))
def test_pyjwt_and_the_sdk_read_what_is_made(claims: dict[str, object], body: bytes) -> None:
    claims = {name: value for name, value in claims.items() if name not in ("exp", "nbf", "iat", "aud")}
    claims |= {"iss": "Vonage", "payload_hash": payload_hash(body), "sub": "text", "jti": JTI}
    token = sign_claims(claims, SECRET)

    assert jwt.decode(token, SECRET, algorithms=["HS256"]) == claims
    assert verify_signature(token, SECRET)
    assert verify_token(headers(f"Bearer {token}"), body, SECRET, None).verdict == "valid"


@given(st.data())
def test_one_other_character_makes_it_invalid(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(TOKEN) - 1))
    other = data.draw(st.characters(codec="latin-1").filter(lambda char: char not in TOKEN[place] + " "))

    changed = f"Bearer {TOKEN[:place]}{other}{TOKEN[place + 1 :]}"

    assert check(changed).verdict == "invalid"


def _tokens(header: object, claims: object) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = jwt.api_jws.encode(json.dumps(claims).encode(), SECRET, "HS256")
    first = jwt.utils.base64url_encode(json.dumps(header).encode()).decode()
    return f"Bearer {first}.{text.partition('.')[2]}"


@given(
    st.none() | any_text | st.builds(_tokens, json_values, json_values) | any_text.map("Bearer ".__add__),
    st.binary(max_size=20),
    any_text,
    st.none() | st.datetimes(timezones=st.just(UTC)),
)
def test_nothing_raises(header: str | None, body: bytes, secret: str, now: datetime | None) -> None:
    verdict = verify_token(headers(header), body, secret, now, api_key=ACCOUNT)

    assert verdict.verdict != "valid"
    assert verdict.reason
    assert isinstance(claims_of(header), dict)


@given(st.dictionaries(st.sampled_from([*CLAIMS, "exp", "nbf"]), json_values))
def test_no_claim_of_a_signed_token_raises(claims: dict[str, object]) -> None:
    verdict = check(signed(claims))

    assert verdict.verdict in ("valid", "invalid")


def test_a_secret_is_in_no_verdict() -> None:
    verdict = check(f"Bearer {TOKEN[:-1]}")

    assert "forged" in repr(verdict)
    assert SECRET not in repr(verdict)
