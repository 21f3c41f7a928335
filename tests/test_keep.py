import base64
import json
import re
from dataclasses import replace
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from keepable import ACCOUNT_SECRET, KEY, WHEN, Recorded, recordings

from devkit.callback import Callback, compose
from devkit.catalogue import TEST_SIGNATURE_SECRET, samples_directory
from devkit.errors import FixtureError
from devkit.fixture import Fixture, dumps, load, loads
from devkit.keep import Policy, plan_keep
from devkit.signature import METHODS, sign, verify

FIELDS = {
    "msisdn": "0123456789012",
    "to": "AcmeInc",
    "messageId": "0A0000001234567B",
    "status": "delivered",
    "err-code": "0",
    "api-key": "a1b2c3d4",
    "message-timestamp": "2020-01-01 12:00:00",
}


def recorded(transport="get", **more):
    return Fixture(WHEN, compose({**FIELDS, **more}, transport))


def kept(recording: Recorded) -> Fixture:
    allow = frozenset(recording.extra)
    return plan_keep(recording.fixture, KEY, Policy(allow=allow, secret=ACCOUNT_SECRET)).fixture


def spellings(value: str) -> set[bytes]:
    """The usual ways to write a value; the survivor scan knows more, and is not trusted here."""
    plain = value.encode()
    shifted = (base64.b64encode(b"\0" * shift + plain)[4 if shift else 0 : -4] for shift in range(3))
    texts = {value, quote(value, safe=""), quote_plus(value, safe=""), json.dumps(value)[1:-1]}
    texts |= {quote(value, safe="").lower(), json.dumps(value, ensure_ascii=False)[1:-1]}
    return {text.encode() for text in texts} | {text for text in shifted if len(text) >= 8}


@settings(max_examples=60)
@given(recordings())
def test_no_private_value_survives_in_any_spelling(recording):
    fixture = kept(recording)

    file = dumps(fixture)
    haystacks = (file, json.dumps(json.loads(file), ensure_ascii=False).encode(), fixture.callback.body)
    for value in recording.private:
        for spelling in spellings(value):
            assert not any(spelling in haystack for haystack in haystacks), value


@settings(max_examples=60)
@given(recordings())
def test_twice_is_once(recording):
    once = kept(recording)

    twice = plan_keep(once, KEY, Policy(allow=frozenset(recording.extra)))

    assert dumps(twice.fixture) == dumps(once)
    assert twice.replaced == {}


@settings(max_examples=60)
@given(recordings("get") | recordings("form"))
def test_all_other_bytes_of_a_query_or_form_stay(recording):
    before, after = recording.fixture.callback, kept(recording).callback

    pairs = [
        [item.partition("=") for item in (callback.query or callback.body.decode()).split("&")]
        for callback in (before, after)
    ]

    assert [name for name, _, _ in pairs[0]] == [name for name, _, _ in pairs[1]]
    replaced = set(kept(recording).redacted)
    for (_, _, old), (_, _, new), field in zip(*pairs, recording.fields, strict=True):
        assert old == new or field in replaced
    assert_headers_stay(before, after)


@settings(max_examples=60)
@given(recordings("json"))
def test_all_other_bytes_of_json_stay(recording):
    before, after = recording.fixture.callback, kept(recording).callback
    replaced = set(kept(recording).redacted)

    tokens = [re.split(r'("(?:[^"\\]|\\.)*")', callback.body.decode()) for callback in (before, after)]
    assert len(tokens[0]) == len(tokens[1])
    assert tokens[0][0::2] == tokens[1][0::2]
    assert tokens[0][1::4] == tokens[1][1::4]
    for old, now, field in zip(tokens[0][3::4], tokens[1][3::4], recording.fields, strict=True):
        assert old == now or field in replaced
    assert_headers_stay(before, after)


def assert_headers_stay(before: Callback, after: Callback) -> None:
    assert [name for name, _ in before.headers] == [name for name, _ in after.headers]
    for name in ("User-Agent", "Accept", "X-Forwarded-Proto", "Content-Type"):
        assert before.header(name) == after.header(name)
    assert (after.header("Content-Length") or "0") == str(len(after.body))


@settings(max_examples=60)
@given(recordings())
def test_a_kept_recording_says_the_same_and_its_signature_fits(recording):
    fixture = loads(dumps(kept(recording)))

    before, after = recording.fixture.read(), fixture.read()
    assert (after.status, after.err_code) == (before.status, before.err_code)
    assert list(after.fields) == list(before.fields)
    assert fixture.signature == ("valid" if recording.method else "absent")
    assert fixture.recorded_at == WHEN
    if recording.method:
        assert verify(after.fields, TEST_SIGNATURE_SECRET, recording.method) == "valid"
        assert after.text("sig").isupper() == before.text("sig").isupper() or after.text("sig").isdigit()
        assert verify(after.fields, ACCOUNT_SECRET, recording.method) == "invalid"


def test_the_same_value_gets_the_same_stand_in_in_every_transport():
    says = [
        plan_keep(recorded(transport), KEY).fixture.read().fields for transport in ("get", "form", "json")
    ]

    assert says[0] == says[1] == says[2]


def test_another_key_gives_another_stand_in():
    one, other = (plan_keep(recorded(), key).fixture.read() for key in (KEY, b"another key"))

    assert one.message_id != other.message_id


def test_the_recipient_becomes_a_never_assigned_number():
    receipt = plan_keep(recorded(), KEY).fixture.read()

    assert re.fullmatch(r"447700900[2-9]\d\d", receipt.text("msisdn"))


def test_numeric_json_values_stay_numbers():
    fields = {**FIELDS, "msisdn": 999456789012, "client-ref": -1234567.5}

    says = plan_keep(Fixture(WHEN, compose(fields, "json")), KEY).fixture.read().fields

    assert isinstance(says["msisdn"], int)
    assert isinstance(says["client-ref"], int)


def test_the_secret_of_the_callback_path_goes():
    callback = replace(recorded().callback, target="/webhooks/delivery-receipt/s3cr3t-t0ken?status=delivered")

    redaction = plan_keep(Fixture(WHEN, callback), KEY)

    assert redaction.fixture.callback.target == "/webhooks/delivery-receipt?status=delivered"
    assert redaction.replaced["path"] == "removed"


def test_a_local_host_and_a_sender_name_stay():
    redaction = plan_keep(recorded(), KEY)

    assert redaction.fixture.callback.header("Host") == "localhost"
    assert redaction.fixture.read().text("to") == "AcmeInc"


def test_nothing_original_is_in_what_is_shown():
    redaction = plan_keep(recorded(), KEY)

    shown = repr(redaction) + json.dumps(dict(redaction.fixture.redacted))
    assert not any(FIELDS[name] in shown for name in ("msisdn", "messageId", "api-key"))
    assert redaction.fixture.redacted == {"msisdn": "number", "messageId": "pseudonym", "api-key": "example"}


@pytest.mark.parametrize("method", METHODS)
def test_an_unchecked_signature_is_made_again_by_its_length(method):
    fields = {**FIELDS, "timestamp": "1577880000"}
    fields["sig"] = sign(fields, "unknown here", method)
    policy = Policy(method=method)

    fixture = plan_keep(Fixture(WHEN, compose(fields, "get"), signature="unchecked"), KEY, policy).fixture

    assert verify(fixture.read().fields, TEST_SIGNATURE_SECRET, method) == "valid"
    assert fixture.signature == "valid"
    assert fixture.redacted["sig"] == f"re-signed {method}"


def test_a_signature_over_a_name_that_cuts_the_signed_text_is_never_called_valid():
    fields = {**FIELDS, "timestamp": "1577880000", "a&b": "c"}
    fields["sig"] = sign(fields, "unknown here", "md5")
    policy = Policy(method="md5", allow=frozenset({"a&b"}))

    fixture = plan_keep(Fixture(WHEN, compose(fields, "get"), signature="unchecked"), KEY, policy).fixture

    assert verify(fixture.read().fields, TEST_SIGNATURE_SECRET, "md5") == "invalid"
    assert fixture.signature == "unchecked"


def test_a_wrong_signature_stays_wrong():
    fixture = plan_keep(replace(recorded(sig="ab" * 16), signature="invalid"), KEY).fixture

    says = fixture.read().fields
    assert says["sig"] != "ab" * 16
    assert fixture.signature == "invalid"
    assert all(verify(says, TEST_SIGNATURE_SECRET, method) == "invalid" for method in METHODS)


def test_an_unknown_field_stops_it_and_all_of_them_are_named():
    with pytest.raises(
        FixtureError, match="unknown fields may identify somebody: 'e-mail', 'city'"
    ) as caught:
        plan_keep(recorded(**{"e-mail": "a@example.com", "city": "X"}), KEY, name="one.json")

    assert caught.value.message.startswith("one.json cannot be kept")
    assert "--allow-field e-mail --allow-field city" in caught.value.hint
    assert "a@example.com" not in caught.value.message + caught.value.hint


def test_a_name_that_is_a_number_is_not_shown():
    with pytest.raises(FixtureError) as caught:
        plan_keep(recorded(**{"0123456789012": "x"}), KEY)

    assert "0123456" not in caught.value.message + caught.value.hint


def test_a_person_can_allow_or_redact_an_unknown_field():
    fixture = recorded(city="Winchester", street="Hill Road")

    policy = Policy(allow=frozenset({"city"}), redact=frozenset({"street"}))
    redaction = plan_keep(fixture, KEY, policy)

    says = redaction.fixture.read().fields
    assert says["city"] == "Winchester"
    assert says["street"] != "Hill Road"
    assert plan_keep(redaction.fixture, KEY, Policy(allow=frozenset({"city"}))).replaced == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "0123456789"),
        ("price", "Winchester"),
        ("scts", "01234567890123"),
        ("err-code", "x@example.com"),
    ],
)
def test_a_known_field_must_look_like_itself(name, value):
    with pytest.raises(FixtureError, match=f"value of '{name}' is not of the form"):
        plan_keep(recorded(**{name: value}), KEY)


@pytest.mark.parametrize(
    ("sender", "stays"),
    [
        ("AcmeInc", True),
        ("Bäcker & Co", True),
        ("Shop24", True),
        ("12345", False),
        ("+0 12 (34)", False),
        ("A0123456789", False),
        ("a@example.com", False),
        ("much too long a name", False),
    ],
)
def test_which_senders_stay(sender, stays):
    assert (plan_keep(recorded(to=sender), KEY).fixture.read().text("to") == sender) is stays


@pytest.mark.parametrize(
    "text",
    [
        "seen for 0A0000001234567B",
        "seen for 0a0000001234567b",
        "MEEwMDAwMDAxMjM0NTY3Qg==",
        "%30A0000001234567B",
        "\\u0030A0000001234567B",
        "sent to +99945 678 9012",
    ],
)
def test_a_replaced_value_in_a_note_or_a_tag_stops_it(text):
    for fixture in (replace(recorded(), note=text), replace(recorded(), tags=("fine", text))):
        with pytest.raises(FixtureError, match="cannot be kept") as caught:
            plan_keep(fixture, KEY)
        assert text not in caught.value.message


def test_a_replaced_value_in_a_field_that_stays_stops_it():
    with pytest.raises(FixtureError, match="the value of 'messageId' still stands in its target"):
        plan_keep(recorded(seen="0A0000001234567B"), KEY, Policy(allow=frozenset({"seen"})))


def test_a_secret_of_the_project_stops_it():
    policy = Policy(private={"VONAGE_API_SECRET": "s3cr3t-of-account"})

    with pytest.raises(FixtureError, match="'VONAGE_API_SECRET' still stands in its note"):
        plan_keep(replace(recorded(), note="with s3cr3t-of-account"), KEY, policy)


@pytest.mark.parametrize("note", ["call 0987 654 3210", "ask someone@example.com"])
def test_a_note_with_a_number_or_an_address_stops_it(note):
    with pytest.raises(FixtureError, match="'note' holds what looks like"):
        plan_keep(replace(recorded(), note=note), KEY)

    assert (
        plan_keep(replace(recorded(), note=note), KEY, Policy(allow=frozenset({"note"}))).fixture.note == note
    )


def test_a_harmless_note_stays():
    note = "delivered to 447700900123 on 2026-01-02, 2 parts"

    assert plan_keep(replace(recorded(), note=note, tags=("odd",)), KEY).fixture.note == note


def test_an_unknown_key_of_the_file_stops_it():
    for fixture in (
        replace(recorded(), extra={"owner": "x"}),
        replace(recorded(), request_extra={"owner": "x"}),
    ):
        with pytest.raises(FixtureError, match="does not know a key of the file: 'owner'"):
            plan_keep(fixture, KEY)
        assert plan_keep(fixture, KEY, Policy(allow=frozenset({"owner"}))).fixture.read()


def test_a_duplicate_field_is_redacted_in_both_places_and_stays_a_problem():
    callback = Callback(
        "GET", "/webhooks/delivery-receipt?msisdn=0123456789012&msisdn=0123456789012&status=failed"
    )

    fixture = plan_keep(Fixture(WHEN, callback), KEY).fixture

    assert "0123456789012" not in fixture.callback.target
    assert fixture.callback.target.count("msisdn=4477009") == 2
    assert fixture.read() == Fixture(WHEN, callback).read()


@pytest.mark.parametrize("body", [b'[{"msisdn":"1"}]', b'{"msisdn":', b'{"msisdn":"\xff"}', b"[" * 3000])
def test_a_body_that_cannot_be_taken_apart_stops_it(body):
    callback = Callback("POST", "/webhooks/delivery-receipt", (("Content-Type", "application/json"),), body)

    with pytest.raises(FixtureError, match="cannot be taken apart into fields"):
        plan_keep(Fixture(WHEN, callback), KEY)


def test_a_recording_that_would_no_longer_show_its_fault_stops_it():
    callback = Callback("GET", "/webhooks/delivery-receipt?status=failed&client-ref=%FF%FF%FF")

    with pytest.raises(FixtureError, match="no longer says the same"):
        plan_keep(Fixture(WHEN, callback), KEY)


def test_a_probe_has_nothing_to_replace():
    fixture = Fixture(WHEN, Callback("GET", "/webhooks/delivery-receipt"))

    assert plan_keep(fixture, KEY).replaced == {}


@pytest.mark.parametrize(
    "name", ["delivered.json", "delivered-form.json", "json-pretty.json", "odd-encoding.json"]
)
def test_a_kept_sample_of_the_catalogue_keeps_its_length(name):
    sample = load(samples_directory() / name)

    kept_sample = plan_keep(sample, KEY).fixture

    assert len(dumps(kept_sample)) >= len(dumps(sample))
    assert len(kept_sample.callback.target) == len(sample.callback.target)
    assert len(kept_sample.callback.body) == len(sample.callback.body)
