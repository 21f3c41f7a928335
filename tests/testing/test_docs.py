"""What docs/testing.md says is true: its examples run, from this checkout and from the built wheel."""

import re
from pathlib import Path

import pytest

import devkit.testing
from devkit.testing import fault_cases, status_fault_cases
from tests.support.plugin import ROOT, examples, run_pytest, write_examples

pytestmark = pytest.mark.program

TEXT = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
FRAMEWORKS = {"test_flask", "test_django", "test_fastapi"}
NAMES = {*FRAMEWORKS, "test_function", "test_signed", "test_statuses", "test_end_to_end"}


def outcomes(run) -> dict[str, str]:
    """The example files and how they ended."""
    found = re.findall(r"^(\w+)\.py(?:::\S+)? +(PASSED|FAILED|ERROR|SKIPPED)", run.stdout, re.MULTILINE)
    worst = {name: {how for other, how in found if other == name} for name, _ in found}
    return {name: "PASSED" if hows == {"PASSED"} else str(hows) for name, hows in worst.items()}


@pytest.fixture(scope="module")
def from_checkout(tmp_path_factory):
    project = tmp_path_factory.mktemp("examples")
    write_examples(project)
    return run_pytest(project, "--strict-markers", "--strict-config", "-v")


def test_there_are_seven_examples():
    assert {Path(name).stem for name in examples()} - {"pyproject"} == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_example_passes(from_checkout, name):
    assert outcomes(from_checkout).get(name) == "PASSED", from_checkout.stdout + from_checkout.stderr


def test_examples_pass_with_the_wheel(site, tmp_path):
    write_examples(tmp_path)
    (tmp_path / "test_place.py").write_text(
        "import devkit.testing\n\n\ndef test_it():\n    assert 'site' in devkit.testing.__file__\n"
    )

    run = run_pytest(tmp_path, "--strict-markers", "--strict-config", "-v", site=site)

    assert set(outcomes(run).values()) == {"PASSED"}, run.stdout + run.stderr
    assert outcomes(run).keys() == {*NAMES, "test_place"}


def test_plugin_of_the_wheel_can_be_switched_off(site, tmp_path):
    (tmp_path / "test_plain.py").write_text("def test_it(pytestconfig):\n    pass\n")
    (tmp_path / "test_gone.py").write_text("def test_it(dlr_fixture):\n    pass\n")

    run = run_pytest(tmp_path, "-p", "no:devkit", "--strict-markers", "-v", site=site)

    assert outcomes(run) == {"test_plain": "PASSED", "test_gone": "{'ERROR'}"}
    assert "fixture 'dlr_fixture' not found" in run.stdout


def test_every_public_name_is_in_the_docs():
    types = {
        "FaultCase",
        "Fields",
        "HandlerResponse",
        "Method",
        "NotReceived",
        "Order",
        "SampleWebhook",
        "TextPart",
        "TokenVerdict",
        "Transport",
        "Verdict",
    }

    missing = [name for name in devkit.testing.__all__ if name not in types and f"`{name}" not in TEXT]

    assert missing == []


def test_faults_of_the_docs_are_those_of_the_matrix():
    _, receipts, statuses = TEXT.split("## Reference: the faults")

    assert faults_in(receipts) == [case.name for case in fault_cases()]
    assert faults_in(statuses) == [case.name for case in status_fault_cases(secret="any")]


def faults_in(table: str) -> list[str]:
    rows = re.findall(r"^\| (`[a-z`, -]+`) \|", table, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([a-z-]+)`", row)]


def test_fixtures_of_the_docs_are_those_of_the_plugin():
    import devkit.pytest_plugin

    table = TEXT.partition("| fixture | gives |")[2].partition("\n\n")[0]
    named = set(re.findall(r"^\| `(\w+)", table, re.MULTILINE)) | {"vonage_simulator_options"}
    defined = {
        name for name in vars(devkit.pytest_plugin) if name.startswith(("dlr_", "make_dlr_", "vonage_"))
    }

    assert named == defined
    assert "`vonage_simulator_options`" in TEXT
