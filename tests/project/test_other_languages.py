"""The programs of docs/other-languages.md: they run as the page says, against one simulator."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from devkit.simulator import Simulator, run_simulator
from devkit.webhook.callback import Transport
from tests.support.dev_process import clean_environ
from tests.support.distribution import ROOT
from tests.support.raw_socket import DEADLINE
from tests.support.simulator_client import JUMPING
from tests.support.transcript import headings

PAGE_FILE = ROOT / "docs" / "other-languages.md"
PAGE = PAGE_FILE.read_text(encoding="utf-8")
PROGRAMS = ROOT / "examples" / "other_languages"
# How npm says that there is no network.
NO_NETWORK = (
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ENETUNREACH",
    "ETIMEDOUT",
    "ENOTCACHED",
)

pytestmark = [
    pytest.mark.program,
    pytest.mark.skipif(sys.platform == "win32", reason="the page's commands are for a POSIX shell"),
]


def section(name: str) -> str:
    return PAGE.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def blocks(language: str, text: str = PAGE) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with run_simulator(JUMPING) as simulator:
        yield simulator


@dataclass(frozen=True, slots=True)
class Shell:
    """A copy of the programs, and the environment that the page sets for them."""

    directory: Path
    environ: dict[str, str]

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-ec", script],
            cwd=self.directory,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=12 * DEADLINE,
            check=False,
        )


@pytest.fixture
def shell(tmp_path: Path, simulator: Simulator, request: pytest.FixtureRequest) -> Shell:
    language: str = request.node.name.removeprefix("test_").partition("_")[0]
    for program in {"node": ["node", "npm"], "java": ["java", "javac"]}.get(language, [language]):
        if not shutil.which(program):
            pytest.skip(f"there is no {program} here")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, words in (("devkit", "-m devkit"), ("python3", "")):
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        (tools / name).chmod(0o700)
    environ = clean_environ(tmp_path)
    environ |= {
        "PATH": f"{tools}{os.pathsep}{environ['PATH']}",
        "SAMPLES": str(ROOT / "fixtures" / "samples"),
    }
    (setting,) = [block for block in blocks("sh") if block.startswith("export VONAGE_REST_HOST")]
    environ |= dict(re.findall(r"(VONAGE_\w+)=(\S+)", setting))
    environ["VONAGE_REST_HOST"] = simulator.host
    # The SDK is downloaded once, as long as nobody types `make clean`. Java needs no optimizer for half a second.
    cache = getattr(request.config, "cache", None)  # none with -p no:cacheprovider
    environ["npm_config_cache"] = str(cache.mkdir("npm") if cache else tmp_path / "npm")
    environ["JAVA_TOOL_OPTIONS"] = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    return Shell(shutil.copytree(PROGRAMS / language, tmp_path / language), environ)


def use(simulator: Simulator, method: Transport) -> None:
    simulator.configure(lambda options: replace(options, method=method))


def test_node_sends_with_the_sdk_and_reads_receipts_and_fixtures(shell: Shell, simulator: Simulator) -> None:
    install, *run = blocks("sh", section("Node"))[0].splitlines()
    installed = shell.run(f"{install} --prefer-offline --fetch-retries=0 --loglevel=error")
    if installed.returncode and any(word in installed.stderr for word in NO_NETWORK):
        pytest.skip("npm cannot install the SDK: there is no network")
    assert installed.returncode == 0, installed.stderr
    assert not (shell.directory / "package-lock.json").exists()
    use(simulator, "json")

    done = shell.run("\n".join(run))

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\bpass 6$", done.stdout, re.MULTILINE)
    assert simulator.deliveries[-1].answer == 200


def test_php_sends_and_reads_receipts_and_fixtures(shell: Shell, simulator: Simulator) -> None:
    use(simulator, "form")

    done = shell.run(blocks("sh", section("PHP"))[0])

    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["ok"] * 6
    assert simulator.deliveries[-1].answer == 200


def test_java_sends_and_reads_receipts_and_fixtures(shell: Shell, simulator: Simulator) -> None:
    use(simulator, "get")

    done = shell.run(blocks("sh", section("Java"))[0])

    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["ok"] * 5
    assert simulator.deliveries[-1].answer == 200


def test_python3_finds_the_samples_and_the_schema(tmp_path: Path) -> None:
    commands = re.findall(r"python3 -c '(.*?)'", PAGE)
    environ = clean_environ(tmp_path)
    done = [
        subprocess.run([sys.executable, "-c", text], env=environ, capture_output=True, text=True, check=True)
        for text in commands
    ]

    samples, schema = (Path(each.stdout.strip()) for each in done)
    assert (samples / "failed-form.json").is_file()
    assert f'"{re.search(r"urn:[a-z:0-9-]+", PAGE)[0]}"' in schema.read_text(encoding="utf-8")  # type: ignore[index]


@pytest.mark.parametrize(("language", "folder"), [("js", "node"), ("php", "php"), ("java", "java")])
def test_code_of_the_page_is_that_of_the_programs(language: str, folder: str) -> None:
    files = [path.read_text(encoding="utf-8") for path in (PROGRAMS / folder).iterdir() if path.is_file()]
    shown = blocks(language)

    assert len(shown) == 2
    assert all(any(block in text for text in files) for block in shown)


def test_the_sdk_is_pinned_and_the_page_names_its_version() -> None:
    package = (PROGRAMS / "node" / "package.json").read_text(encoding="utf-8")
    versions = dict(re.findall(r'"(@vonage/\w+)": "([\d.]+)"', package))

    assert set(versions) == {"@vonage/auth", "@vonage/sms"}
    assert f"`@vonage/sms` {versions['@vonage/sms']}" in PAGE


def test_links_lead_to_files_and_headings() -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]*)(?:#([^)]*))?\)", PAGE)
    places = [((PAGE_FILE.parent / path).resolve(), heading) for path, heading in links]

    assert len(places) > 10
    assert [str(place) for place, _ in places if not place.exists()] == []
    assert [heading for place, heading in places if heading and heading not in headings(place)] == []
