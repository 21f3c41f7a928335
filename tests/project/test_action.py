"""The GitHub Action: a shell runs its steps as a runner does, with the files that a runner gives them."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from devkit.inspector.report import MARK
from devkit.tunnel.process import find_process
from devkit.webhook.jwt import claims_of
from tests.support.dev_process import clean_environ
from tests.support.distribution import ROOT
from tests.support.raw_socket import DEADLINE, closed_port
from tests.support.simulator_client import Listener, listening

pytestmark = pytest.mark.program

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "check.yml").read_text(encoding="utf-8"))

# A new environment and pip take five times as long as all the rest, so only CI and `make reliability` make one.
INSTALLS = bool(os.environ.get("CI") or os.environ.get("DEVKIT_LONG"))

needs_bash = pytest.mark.skipif(
    not shutil.which("bash") or sys.platform == "win32", reason="the action is for Linux and macOS"
)


@dataclass(slots=True)
class Runner:
    """What a runner keeps between the steps of a job."""

    directory: Path
    environ: dict[str, str]
    steps: list[dict[str, Any]]
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    printed: str = ""

    @property
    def temp(self) -> Path:
        return self.directory / "of the runner"  # a path with spaces

    def use(self, **inputs: str) -> None:
        """Run the steps of the action whose conditions hold; those with `uses` are left to GitHub."""
        self.inputs = {name: each["default"] for name, each in ACTION["inputs"].items()} | inputs
        for step in self.steps:
            if "run" in step and self.evaluate(step["if"]):
                assert self.run(step).returncode == 0, self.printed

    def run(self, step: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
        files = {name: self.temp / name.lower() for name in ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH")}
        for file in files.values():
            file.write_text("")
        own = {name: self.evaluate(value) for name, value in step.get("env", {}).items()}
        done = self.shell(step["run"], **own, **{name: str(file) for name, file in files.items()})
        self.environ |= assignments(files["GITHUB_ENV"])
        self.outputs[step.get("id", "")] = assignments(files["GITHUB_OUTPUT"])
        self.path += files["GITHUB_PATH"].read_text().splitlines()
        return done

    def shell(self, script: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """As `shell: bash` of a runner."""
        known = self.environ | environ
        known["PATH"] = os.pathsep.join([*self.path, known["PATH"]])
        output = self.temp / "output"
        with output.open("w+") as printed:  # no pipe: programs in the background would hold it open
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
                cwd=self.directory / "workspace",
                env=known,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                text=True,
                timeout=6 * DEADLINE,
                check=False,
            )
        done.stdout = output.read_text()
        self.printed += done.stdout
        return done

    def evaluate(self, text: str) -> str:
        """An expression, or a text with one; "true" and "" for conditions."""
        if match := re.fullmatch(r"inputs\.command == '(\w+)'(?: && .*)?", text):
            return "true" if self.inputs["command"] == match[1] else ""
        return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda match: self.inputs[match[1]], text)


def assignments(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


@pytest.fixture
def runner(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Runner]:
    runner_temp = tmp_path / "of the runner"
    for place in (tmp_path / "workspace", runner_temp):
        place.mkdir()
    environ = clean_environ(tmp_path) | {
        "RUNNER_TEMP": str(runner_temp),
        "GITHUB_WORKSPACE": str(tmp_path / "workspace"),
        "GITHUB_ACTION_PATH": str(ROOT),
    }
    del environ["PYTHONPATH"]  # the action brings its own devkit
    runner = Runner(tmp_path, environ, STEPS)
    if not INSTALLS:
        runner.steps = STEPS[1:]
        programs: Path = request.getfixturevalue("installed")
        (runner.temp / "devkit" / "bin").mkdir(parents=True)
        (runner.temp / "devkit" / "venv").symlink_to(programs.parent)
        (runner.temp / "devkit" / "bin" / "devkit").symlink_to("../venv/bin/devkit")
        runner.path.append(str(runner.temp / "devkit" / "bin"))
    yield runner
    for file in runner.temp.glob("devkit/*.pid"):  # of a test that failed
        subprocess.run(["kill", "-9", file.read_text().strip()], capture_output=True, check=False)


@pytest.fixture
def started(runner: Runner) -> Iterator[tuple[Runner, Listener]]:
    """A job that has used the action, and the application that its receipts are forwarded to."""
    inputs = {"port": str(closed_port()), "simulate": "--speed 20x --method json"}
    with listening() as application:
        runner.use(**inputs, **{"forward-to": application.url})
        yield runner, application


SEND_AND_WAIT = """
curl -sS --noproxy '*' -d api_key=$VONAGE_API_KEY -d api_secret=$VONAGE_API_SECRET \\
  -d from=AcmeInc -d to=447700900003 -d text=Hello -d client-ref=order-4711 http://$VONAGE_REST_HOST/sms/json
devkit wait --last || true
devkit send --api messages --to 447700900000 --wait
"""


@needs_bash
def test_a_job_sends_waits_and_keeps_a_redacted_report(started: tuple[Runner, Listener]) -> None:
    runner, application = started
    outputs = runner.outputs["start"]
    done = runner.shell(SEND_AND_WAIT)
    runner.use(command="stop")

    assert {name: value for name, value in runner.environ.items() if name.startswith("VONAGE_")} == {
        "VONAGE_REST_HOST": outputs["host"],
        "VONAGE_API_KEY": outputs["api-key"],
        "VONAGE_API_SECRET": outputs["api-secret"],
        "VONAGE_APPLICATION_ID": outputs["application-id"],
        "VONAGE_PRIVATE_KEY": outputs["private-key"],
    }
    assert outputs["url"] == f"http://{outputs['host']}"
    assert "end         1 not delivered" in done.stdout
    assert application.statuses == ["accepted", "failed"]
    statuses = [each for each in application.documents if "message_uuid" in each]
    assert [each["status"] for each in statuses] == ["submitted", "delivered"]
    # A token of the application, not the key and the secret: its id is in the token of each status.
    tokens = [claims_of(each.header("Authorization")) for each in application.arrived[-2:]]
    assert [each["application_id"] for each in tokens] == [outputs["application-id"]] * 2
    report = Path(runner.outputs["stop"]["report"]).read_bytes()
    assert report.startswith(MARK)
    assert b"failed" in report
    assert b"order-4711" not in report
    assert [receipt.fields["client-ref"] for receipt in application.receipts] == ["order-4711"] * 2
    assert runner.printed.count('"stopped"') == 2


@needs_bash
def test_a_second_start_is_refused_and_the_stop_ends_the_first(started: tuple[Runner, Listener]) -> None:
    runner, _ = started
    pids = [int((runner.temp / "devkit" / f"{name}.pid").read_text()) for name in ("simulate", "dev")]

    second = runner.run(runner.steps[-3])
    runner.use(command="stop")

    assert second.returncode == 1
    assert "::error::devkit runs in this job already" in second.stdout
    assert [find_process(pid) for pid in pids] == [None, None]
    former = [runner.temp / "devkit" / f"{name}.jsonl" for name in ("simulate", "dev")]
    links = [file.with_suffix(".former") for file in former]
    for file, link in zip(former, links, strict=True):
        link.hardlink_to(file)
    runner.use(**runner.inputs | {"command": "start", "port": str(closed_port())})
    # The step waited for events in new files, not in those of the first start.
    assert all('"stopped"' in link.read_text() for link in links)
    runner.use(command="stop")
    assert runner.printed.count('"stopped"') == 4


@needs_bash
def test_a_stop_after_a_start_that_failed_is_no_second_failure(runner: Runner) -> None:
    runner.use(command="stop")

    assert '"stopped"' not in runner.printed


@needs_bash
def test_a_mistake_ends_the_step_with_the_words_of_devkit(runner: Runner) -> None:
    runner.inputs = {"command": "start", "port": "0", "simulate": "--method fax", "forward-to": ""}

    *_, done = [runner.run(step) for step in runner.steps[:-2]]

    assert done.returncode != 0
    assert "'fax' is not one of 'get', 'form', 'json'" in done.stdout


def test_no_input_is_part_of_a_script() -> None:
    scripts = [step["run"] for step in STEPS if "run" in step]

    assert len(scripts) == 3
    assert [script for script in scripts if "${{" in script] == []  # else its text would be run
    assert all(step["shell"] == "bash" for step in STEPS if "run" in step)


def test_every_expression_names_something_that_is_there() -> None:
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    ids = {step["id"] for step in STEPS if "id" in step}
    written = set(re.findall(r"""echo "([\w-]+)=""", STEPS[1]["run"] + STEPS[2]["run"]))

    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(ACTION["inputs"])
    for step, output in re.findall(r"steps\.(\w+)\.outputs\.([\w-]+)", text):
        assert step in ids
        assert output in written


def test_the_report_is_never_a_private_one() -> None:
    assert 'devkit" report -o' in STEPS[2]["run"]
    assert "--private" not in STEPS[2]["run"]


def test_ci_uses_the_action_as_the_page_says() -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    example = page.partition("## The action\n")[2].partition("```yaml\n")[2].partition("```")[0]
    recipe = yaml.safe_load(example)
    own = [step for step in WORKFLOW["jobs"]["action"]["steps"] if step.get("uses") == "./"]

    given = [step.get("with", {}) for step in recipe if "devkit" in step.get("uses", "")]
    assert [each.get("command", "start") for each in given] == ["start", "stop"]
    assert {name for each in given for name in each} <= set(ACTION["inputs"])
    assert [step.get("with", {}).get("command", "start") for step in own] == ["start", "stop"]
    assert all(step["if"] == "always()" for step in [own[1], recipe[-1]])
