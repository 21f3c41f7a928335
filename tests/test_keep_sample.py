import stat
from dataclasses import replace

import pytest
from keepable import KEY, WHEN

from devkit.callback import Callback, compose
from devkit.errors import ConfigurationError, StoreError, UsageError
from devkit.fixture import Fixture, load
from devkit.keep import assign, load_key, plan_keep, require_free, write
from devkit.keep.sample import describe
from devkit.session import project_in


def recorded(status="delivered", transport="get", **more):
    fields = {
        "msisdn": "0987654321098",
        "messageId": "0A0000001234567B",
        "status": status,
        "err-code": "0",
        **more,
    }
    return Fixture(WHEN, compose(fields, transport))


def redacted(*statuses):
    return [plan_keep(recorded(status), KEY) for status in statuses]


@pytest.mark.parametrize(
    ("fixture", "words"),
    [
        (recorded(), "delivered"),
        (recorded("delivered", "json"), "delivered-json"),
        (recorded("failed", **{"err-code": "2"}), "failed-absent-subscriber-temporary"),
        (recorded("failed", "form", **{"err-code": "95"}), "failed-err-code-95-form"),
        (recorded("../ÉVIL"), "vil"),
        (recorded("é"), "receipt"),
        (Fixture(WHEN, Callback("GET", "/?x=1")), "unreadable"),
    ],
)
def test_a_sample_is_called_after_what_it_says(fixture, words):
    assert describe(fixture) == words


def test_one_recording_gets_the_name(tmp_path):
    (sample,) = assign(redacted("delivered"), tmp_path, "sequence/mine.json")

    assert sample.path == tmp_path / "sequence" / "mine.json"


def test_several_become_a_sequence_in_their_order(tmp_path):
    write(assign(redacted("delivered", "accepted"), tmp_path, "late"))

    steps = sorted((tmp_path / "late").iterdir())
    assert [path.name for path in steps] == ["01-delivered.json", "02-accepted.json"]
    assert [load(path).read().status for path in steps] == ["delivered", "accepted"]


def test_several_without_a_name_get_one_each(tmp_path):
    samples = assign(redacted("delivered", "delivered", "failed"), tmp_path)

    assert [sample.path.name for sample in samples] == ["delivered.json", "delivered-2.json", "failed.json"]


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a//b", "a/../b", "a b", "a\\b", ".hidden", "a/", "x" * 81, "a/b/c/d/e"]
)
def test_a_name_stays_inside_of_the_samples(tmp_path, name):
    with pytest.raises(UsageError, match="letters, digits"):
        assign(redacted("delivered"), tmp_path, name)


@pytest.mark.parametrize("name", ["msg-0A0000001234567B", "0a0000001234567b/x", "to-0987654321098"])
def test_a_name_holds_nothing_original(tmp_path, name):
    with pytest.raises(UsageError, match="which was replaced"):
        assign(redacted("delivered"), tmp_path, name)


def test_a_sample_that_is_there_is_not_replaced_unless_forced(tmp_path):
    first = assign(redacted("delivered"), tmp_path, "mine")
    write(first)
    second = assign(redacted("failed"), tmp_path, "mine")

    with pytest.raises(UsageError, match="is there already"):
        write(second)
    assert load(first[0].path).read().status == "delivered"

    write(second, force=True)
    assert load(first[0].path).read().status == "failed"


def test_nothing_is_written_when_one_is_in_the_way(tmp_path):
    write(assign(redacted("failed"), tmp_path))

    with pytest.raises(UsageError, match=r"failed\.json is there already"):
        write(assign(redacted("accepted", "failed"), tmp_path))

    assert [path.name for path in tmp_path.iterdir()] == ["failed.json"]


def test_a_sequence_is_not_mixed_with_an_older_one(tmp_path):
    write(assign(redacted("accepted", "buffered", "delivered"), tmp_path, "mine"))

    with pytest.raises(UsageError, match=r"not among the new ones: 02-buffered\.json"):
        require_free(assign(redacted("accepted", "delivered"), tmp_path, "mine"), force=True)


def test_a_directory_that_cannot_be_made_is_an_error_for_people(tmp_path):
    (tmp_path / "samples").write_text("in the way")

    with pytest.raises(StoreError, match="could not be written"):
        write(assign(redacted("delivered"), tmp_path / "samples", "mine"))


def test_a_key_is_made_once_for_its_owner_only(tmp_path):
    project = project_in(tmp_path)

    first, second = load_key(project), load_key(project)

    path = tmp_path / ".devkit" / "redaction-key"
    assert first == second
    assert len(first) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_key(project_in(tmp_path / "other")) != first


@pytest.mark.parametrize("text", ["", "abc", "0" * 63, "z" * 64])
def test_a_damaged_key_is_an_error_for_people(tmp_path, text):
    load_key(project_in(tmp_path))
    (tmp_path / ".devkit" / "redaction-key").write_text(text)

    with pytest.raises(ConfigurationError, match="does not hold a key"):
        load_key(project_in(tmp_path))


def test_a_redaction_can_be_written_as_it_was_planned(tmp_path):
    (redaction,) = redacted("delivered")

    write(assign([replace(redaction)], tmp_path, "mine"))

    assert load(tmp_path / "mine.json") == redaction.fixture
