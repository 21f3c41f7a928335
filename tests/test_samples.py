"""The sample catalogue: complete, fresh, harmless, and what its names promise."""

import os
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from devkit.callback import TRANSPORTS, to_wire
from devkit.catalogue import TEST_SIGNATURE_SECRET, samples_directory
from devkit.fixture import Fixture, dumps, load
from devkit.receipt import Receipt, Unreadable
from devkit.signature import METHODS, verify
from devkit.vocabulary import ERR_CODES, STATUSES

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "fixtures" / "samples"
FILES = sorted(SAMPLES.rglob("*.json"))
SEQUENCES = sorted(path for path in (SAMPLES / "sequence").iterdir())
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SHA256 = ["form", "json", "lower-case", "special-characters"]
FORGED = ["tampered", "truncated", "empty", "non-ascii", "wrong-secret"]
UNREADABLE = [
    "duplicate-keys",
    "duplicate-keys-json",
    "empty-body",
    "inbound-sms",
    "json-array",
    "json-truncated",
    "messages-api-status",
    "multipart",
    "no-status",
    "non-utf8-form",
    "non-utf8-json",
    "non-utf8-query",
    "wrong-content-type",
]


def sample(name: str) -> Fixture:
    return load(SAMPLES / f"{name}.json")


def receipt(fixture: Fixture) -> Receipt:
    reading = fixture.read()
    assert isinstance(reading, Receipt)
    return reading


def receipts(sequence: str) -> list[Receipt]:
    return [receipt(load(path)) for path in sorted((SAMPLES / "sequence" / sequence).glob("*.json"))]


def make_samples(fixtures: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(fixtures / "make_samples.py"), *arguments]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, env=environ, check=False)


def test_catalogue_is_fresh() -> None:
    checked = make_samples(ROOT / "fixtures", "--check")

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_stale_catalogue_is_told_and_mended(tmp_path: Path) -> None:
    fixtures = tmp_path / "fixtures"
    shutil.copytree(ROOT / "fixtures", fixtures, ignore=shutil.ignore_patterns("recorded", "__pycache__"))
    (fixtures / "samples" / "delivered.json").write_text("{}")
    (fixtures / "samples" / "stray.json").write_text("{}")
    (fixtures / "samples" / "expired.json").unlink()

    checked = make_samples(fixtures, "--check")
    written = make_samples(fixtures)

    assert checked.returncode == 1
    assert checked.stdout.split("\n")[:3] == [
        "stale: delivered.json",
        "stale: expired.json",
        "stale: stray.json",
    ]
    assert written.returncode == 0
    assert make_samples(fixtures, "--check").returncode == 0
    assert not (fixtures / "samples" / "stray.json").exists()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_sample_is_byte_stable(path: Path) -> None:
    assert dumps(load(path)) == path.read_bytes()


def test_samples_hold_never_assigned_numbers_only() -> None:
    for path in FILES:
        # The last group of a UUID has twelve characters: by chance all of them are digits.
        wire = UUID.sub("", to_wire(load(path).callback).decode("latin-1"))
        for number in re.findall(r"(?<![0-9A-Za-z])\+?[0-9]{11,15}(?![0-9A-Za-z])", wire):
            assert re.fullmatch(r"447700900\d{3}", number), path.name


def test_samples_name_documentation_hosts_only() -> None:
    for path in FILES:
        headers = load(path).callback.headers
        assert ("Host", "dlr.example.com") in headers
        assert all(value.startswith("192.0.2.") for name, value in headers if name == "X-Forwarded-For")


def test_every_sample_says_what_it_is_for() -> None:
    readme = (SAMPLES / "README.md").read_text()
    for path in FILES:
        fixture, name = load(path), path.relative_to(SAMPLES).with_suffix("").as_posix()
        listed = name if path.parent == SAMPLES else path.parent.relative_to(SAMPLES).as_posix()
        assert f"| `{listed}` | {fixture.note} |" in readme
        assert fixture.tags


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_is_there_in_each_transport(status: str) -> None:
    for transport in TRANSPORTS:
        fixture = sample(status if transport == "get" else f"{status}-{transport}")
        assert (fixture.callback.transport, receipt(fixture).status) == (transport, status)


@pytest.mark.parametrize("code", [code for code in ERR_CODES if code != "0"])
def test_every_documented_err_code_is_there(code: str) -> None:
    (path,) = SAMPLES.glob(f"*-{ERR_CODES[code].slug}.json")

    said = receipt(load(path))
    assert said.err_code == code
    assert path.stem == f"{said.status}-{ERR_CODES[code].slug}"


@pytest.mark.parametrize("method", METHODS)
def test_every_signature_method_is_there(method: str) -> None:
    fixture = sample(f"signed-{method}")
    fields = receipt(fixture).fields

    assert fixture.signature == "valid"
    assert [each for each in METHODS if verify(fields, TEST_SIGNATURE_SECRET, each) == "valid"] == [method]


@pytest.mark.parametrize(
    ("kind", "verdict"), [*((kind, "valid") for kind in SHA256), *((kind, "invalid") for kind in FORGED)]
)
def test_signature_is_what_the_name_says(kind: str, verdict: str) -> None:
    fixture = sample(f"signed-{kind}")

    assert fixture.signature == verdict
    assert verify(receipt(fixture).fields, TEST_SIGNATURE_SECRET, "sha256") == verdict


def test_unreadable_samples_have_a_problem_each() -> None:
    tagged = sorted(path.stem for path in FILES if "unreadable" in load(path).tags)
    problems = {name: sample(name).read() for name in tagged}

    assert tagged == UNREADABLE
    assert all(isinstance(problem, Unreadable) for problem in problems.values())
    assert (
        len({str(problem) for problem in problems.values()}) >= 12
    )  # the two of duplicate keys may sound alike


def test_other_samples_are_receipts() -> None:
    for path in FILES:
        assert path.stem in UNREADABLE or isinstance(load(path).read(), Receipt), path.stem


def test_most_message_ids_are_uuids_and_some_are_of_the_older_form() -> None:
    fixtures = {path.stem: load(path) for path in FILES}
    readings = {name: fixture.read() for name, fixture in fixtures.items()}
    ids = {name: each.message_id for name, each in readings.items() if isinstance(each, Receipt)}

    assert [name for name, text in ids.items() if not UUID.fullmatch(text)] == ["hex-id"]
    assert re.fullmatch("[0-9A-F]{16}", ids["hex-id"])
    assert re.search("messageId=[0-9A-F]{16}&", fixtures["inbound-sms"].callback.target)


def test_expired_also_comes_without_a_reason() -> None:
    assert receipt(sample("expired-no-reason")).status == "expired"
    assert receipt(sample("expired-no-reason")).err_code == "0"


def test_odd_samples_are_odd() -> None:
    assert receipt(sample("unknown-status")).status not in STATUSES
    assert receipt(sample("unknown-err-code")).err_code == "95"
    assert receipt(sample("json-numbers")).fields["err-code"] == 0
    assert receipt(sample("json-null")).fields["network-code"] is None
    assert not {"network-code", "scts", "api-key"} & receipt(sample("minimal")).fields.keys()
    assert "x-new" in receipt(sample("extra-field")).fields
    assert receipt(sample("odd-encoding")).text("msisdn") == "447700900000"
    names = [name for name, _ in sample("repeated-headers").callback.headers]
    assert names.count("x-request-id") == 2
    assert "X-Request-Id" in names


def test_a_sequence_is_in_the_order_of_arrival() -> None:
    for sequence in SEQUENCES:
        times = [load(path).recorded_at for path in sorted(sequence.glob("*.json"))]
        assert times == sorted(times), sequence.name


def test_usual_sequence() -> None:
    assert [each.status for each in receipts("accepted-buffered-delivered")] == [
        "accepted",
        "buffered",
        "delivered",
    ]
    assert [each.status for each in receipts("accepted-only")] == ["accepted"]


def test_out_of_order_sequence_was_pushed_in_the_other_order() -> None:
    first, second = receipts("out-of-order")

    assert (first.status, second.status) == ("delivered", "accepted")
    assert first.text("message-timestamp") > second.text("message-timestamp")


def test_duplicated_sequence_repeats_the_very_bytes() -> None:
    first, second = (load(path) for path in sorted((SAMPLES / "sequence" / "duplicated").glob("*.json")))

    assert first.callback == second.callback
    assert first.recorded_at < second.recorded_at


def test_expired_comes_72_hours_after_accepted() -> None:
    first, last = (load(path) for path in sorted((SAMPLES / "sequence" / "expired").glob("*.json")))

    assert receipt(last).status == "expired"
    assert last.recorded_at - first.recorded_at == timedelta(hours=72)


def test_late_buffered_arrives_last() -> None:
    assert [each.status for each in receipts("late-buffered")] == ["accepted", "delivered", "buffered"]


def test_parts_of_a_message_share_only_their_client_ref() -> None:
    for sequence in ("concatenated", "concatenated-part-failed"):
        parts = receipts(sequence)
        assert len({part.message_id for part in parts}) == 3
        assert {part.text("client-ref") for part in parts} == {"order-1001"}
    assert [part.status for part in receipts("concatenated-part-failed")][3:] == [
        "delivered",
        "failed",
        "delivered",
    ]


def test_one_message_id_within_a_sequence() -> None:
    for sequence in SEQUENCES:
        if not sequence.name.startswith("concatenated"):
            assert len({each.message_id for each in receipts(sequence.name)}) == 1


def test_samples_of_the_package_come_first(tmp_path: Path) -> None:
    package = tmp_path / "devkit"
    package.mkdir()
    assert samples_directory(package) == tmp_path / "fixtures" / "samples"

    (package / "samples").mkdir()
    assert samples_directory(package) == package / "samples"


def test_samples_are_found_in_a_checkout() -> None:
    assert (samples_directory() / "delivered.json").is_file()
