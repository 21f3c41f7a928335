from datetime import UTC, datetime
from pathlib import Path

import pytest

from devkit.errors import FixtureError
from devkit.fixture.format import Fixture, dumps
from devkit.fixture.store import samples_directory
from devkit.testing import load, load_all, make_receipt

MOMENT = datetime(2026, 11, 23, 13, 45, 47, 123456, tzinfo=UTC)


def write(path: Path, status: str = "delivered") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(dumps(Fixture(MOMENT, make_receipt(status).callback)))
    return path


def test_name_finds_a_file_with_or_without_its_ending(tmp_path):
    write(tmp_path / "mine.json", "buffered")

    assert load("mine", [tmp_path]) == load("mine.json", [tmp_path])
    assert load("mine", [tmp_path]).status == "buffered"
    assert load("mine", [tmp_path]).name == "mine"
    assert load("mine", [tmp_path]).recorded_at == MOMENT


def test_path_is_loaded_as_it_is(tmp_path):
    path = write(tmp_path / "deep" / "mine.json")

    assert load(path).name == "mine"


def test_samples_are_there_without_a_directory():
    assert load("delivered").status == "delivered"


def test_own_fixture_is_preferred_to_the_sample_of_that_name(tmp_path):
    write(tmp_path / "delivered.json", "failed")

    assert load("delivered", [tmp_path]).status == "failed"
    assert load("rejected", [tmp_path]).status == "rejected"


def test_first_directory_with_a_match_is_used(tmp_path):
    write(tmp_path / "one" / "a.json")
    write(tmp_path / "two" / "a.json", "failed")
    write(tmp_path / "two" / "b.json", "failed")

    found = load_all("*", [tmp_path / "one", tmp_path / "two"])

    assert [(receipt.name, receipt.status) for receipt in found] == [("a", "delivered")]


def test_directory_is_a_sequence_in_name_order(tmp_path):
    for name, status in (("02-b", "delivered"), ("10-c", "buffered"), ("01-a", "accepted")):
        write(tmp_path / "late" / f"{name}.json", status)

    found = load_all("late", [tmp_path])

    assert [receipt.name for receipt in found] == ["late/01-a", "late/02-b", "late/10-c"]
    assert [receipt.status for receipt in found] == ["accepted", "delivered", "buffered"]


def test_unknown_name_is_reported_with_similar_ones(tmp_path):
    write(tmp_path / "delivered-twice.json")

    with pytest.raises(FixtureError, match="No fixture named 'delivred'") as caught:
        load("delivred", [tmp_path])

    assert str(tmp_path) in caught.value.message
    assert "delivered" in caught.value.hint


def test_load_wants_one_file(tmp_path):
    for name in "abc":
        write(tmp_path / f"{name}.json")

    with pytest.raises(FixtureError, match=r"'\*' means 3 fixtures: a, b, c"):
        load("*", [tmp_path])


def test_file_that_is_no_fixture_is_an_error_with_its_path(tmp_path):
    (tmp_path / "bad.json").write_text("{}")

    with pytest.raises(FixtureError, match=r"bad\.json"):
        load("bad", [tmp_path])


def test_missing_path_is_an_error(tmp_path):
    with pytest.raises(FixtureError, match="missing"):
        load(tmp_path / "missing.json")


def test_every_sample_can_be_loaded():
    files = list(samples_directory().rglob("*.json"))

    found = load_all("**/*")

    assert len(files) == len(found) > 50
    names = [f"{receipt.name}.json" for receipt in found]
    assert names == sorted(names)


def test_pattern_needs_no_ending():
    names = [receipt.name for receipt in load_all("delivered-*m")]

    assert names == ["delivered-form"]
