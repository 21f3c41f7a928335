"""One table says which fields may contain a phone number: everything that shows fields masks the same ones."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from devkit.fixture.explain import explain
from devkit.fixture.format import Fixture, load
from devkit.inspector.comparison import compare
from devkit.inspector.replay_form import editable_fields
from devkit.testing.fields import Fields
from devkit.webhook.callback import compose
from devkit.webhook.masking import FORMS, mask_field
from devkit.webhook.vocabulary import FIELDS
from tests.support.distribution import ROOT
from tests.support.readable_fixture import read_webhook

NUMBER, OTHER = "447700900123", "999700900123"
MASKED = "*********123"
WHEN = datetime(2026, 11, 23, 13, 45, tzinfo=UTC)

Shown = Callable[[Fixture, bool], str]


def explained(fixture: Fixture, numbers: bool) -> str:
    return str(explain(fixture, secret="", method="md5hash", numbers=numbers).fields)


def in_the_form(fixture: Fixture, numbers: bool) -> str:
    return str(editable_fields(fixture, numbers=numbers))


def compared(fixture: Fixture, numbers: bool) -> str:
    return str(compare(fixture, fixture, numbers=numbers)["Fields"])


VIEWS = pytest.mark.parametrize("show", [explained, in_the_form, compared])


def recorded(fields: dict[str, object]) -> Fixture:
    return Fixture(WHEN, compose({"status": "delivered", **fields}, "json"))


@VIEWS
@pytest.mark.parametrize(
    "name", ["msisdn", "to", "client-ref", "account-ref", "new", "MSISDN", "Price", "phone"]
)
@pytest.mark.parametrize("value", [NUMBER, f"+{NUMBER}", "+44 (7700) 900-123", "ref 44.77.00900123"])
def test_a_number_is_masked_by_default(show: Shown, name: str, value: str) -> None:
    fixture = recorded({name: value})

    masked, whole = show(fixture, False), show(fixture, True)

    assert value in whole
    assert value not in masked
    assert "123" in masked
    assert sum(char.isdigit() for char in masked.replace("2026", "")) <= 6


@VIEWS
@pytest.mark.parametrize("name", sorted({*FIELDS, "new"} - {"timestamp"}))
def test_a_known_field_shows_no_number_in_the_place_of_its_own_form(show: Shown, name: str) -> None:
    masked = show(recorded({name: f"+{NUMBER}"}), False)

    assert NUMBER not in masked
    assert MASKED in masked


@VIEWS
@pytest.mark.parametrize("sample", ["delivered", "signed-sha512", "json-numbers", "iso-timestamp"])
def test_digits_that_are_no_number_stay(show: Shown, sample: str) -> None:
    fixture = load(ROOT / f"fixtures/samples/{sample}.json")
    says = read_webhook(fixture).fields
    plain = {name: value for name, value in says.items() if name in FORMS and isinstance(value, str)}

    shown = show(fixture, False)

    assert len(plain) > 3
    assert [value for value in plain.values() if value not in shown] == []


def test_two_references_with_the_same_mask_are_distinguished() -> None:
    lines = compare(recorded({"client-ref": NUMBER}), recorded({"client-ref": OTHER}), numbers=False)[
        "Fields"
    ]

    (line,) = (line for line in lines if line.name == "client-ref")
    assert (line.left, line.right, line.verdict) == (MASKED, f"{MASKED} (another one)", "changed")


def test_a_hidden_value_that_is_left_empty_stays() -> None:
    (field,) = (
        each for each in editable_fields(recorded({"new": NUMBER}), numbers=False) if each.name == "new"
    )

    assert (field.value, field.hidden, field.fixed) == ("", MASKED, False)


def test_every_documented_field_contains_a_number_or_has_a_form() -> None:
    assert set(FIELDS) - set(FORMS) == {"msisdn", "to", "client-ref"}
    assert set(FORMS) <= set(FIELDS)


def test_a_test_report_masks_the_same_fields() -> None:
    values = {"msisdn": NUMBER, "client-ref": NUMBER, "new": NUMBER, "sig": "0" * 32, "price": "0.03330000"}

    assert (
        repr(Fields(values)) == f"Fields({ {name: mask_field(name, text) for name, text in values.items()} })"
    )
