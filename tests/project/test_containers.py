"""The files for containers. Nothing here builds an image: these are the rules of hadolint and of docs/containers.md."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from devkit.session.settings import read_settings
from devkit.simulator import run_simulator
from tests.support.distribution import ROOT, build, contents
from tests.support.raw_socket import DEADLINE, closed_port

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yml").read_text(encoding="utf-8"))["services"]
DEV_CONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile, with its arguments on one line."""
    lines = [line for line in DOCKERFILE.splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ").splitlines()
    return [
        (name, rest.strip()) for name, _, rest in (line.partition(" ") for line in joined if line.strip())
    ]


def arguments(name: str) -> list[str]:
    return [rest for each, rest in instructions() if each == name]


def commands() -> Iterator[list[str]]:
    """Each command of devkit in the files and on the page."""
    yield json.loads(arguments("CMD")[-1])
    yield from (service["command"] for service in COMPOSE.values() if "command" in service)
    for line in re.findall(r"^    (docker (?:run|compose) .*)$", PAGE, re.MULTILINE):
        words = shlex.split(line)
        if "devkit" in words and words[-1] != "devkit" and "build" not in words:
            yield words[len(words) - words[::-1].index("devkit") :]


def test_every_instruction_is_one_that_docker_knows() -> None:
    known = {"FROM", "WORKDIR", "COPY", "RUN", "ARG", "USER", "ENV", "HEALTHCHECK", "ENTRYPOINT", "CMD"}

    assert {name for name, _ in instructions()} == known  # no ADD: it would fetch what a URL happens to serve


@pytest.mark.parametrize("image", [*arguments("FROM"), DEV_CONTAINER["image"]])
def test_base_images_are_pinned_to_a_version_and_a_system(image: str) -> None:
    assert re.fullmatch(r"[\w./-]+:[\w.-]*\d+\.\d+(-slim)?-bookworm( AS build)?", image)


def test_the_image_runs_as_a_user_of_its_own() -> None:
    names = [name for name, _ in instructions()]

    assert arguments("USER") == ["devkit"]
    assert "useradd --create-home" in " ".join(arguments("RUN"))
    assert names.index("USER") > max(place for place, name in enumerate(names) if name == "RUN")


def test_pip_leaves_no_cache_and_takes_tested_versions() -> None:
    installs = [line for line in arguments("RUN") if "pip " in line]

    assert len(installs) == 2
    assert all("--no-cache-dir" in line for line in installs)
    assert "--constraint /tmp/constraints.txt" in installs[1]


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    sources = [source for line in arguments("COPY") if "--from" not in line for source in line.split()[:-1]]
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert len(sources) >= 7
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert {f"!{source}" for source in sources} == {line for line in ignored if line.startswith("!")}
    assert {"*", "**/.env", "**/.devkit", "**/recorded"} <= set(ignored)


def test_the_first_stage_builds_the_wheel_of_the_checkout(wheel: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    for line in [line for line in arguments("COPY") if "/tmp/" not in line and "--from" not in line]:
        *names, target = line.split()
        for name in names:
            place = source / target / ("" if (ROOT / name).is_dir() else name)
            place.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
            copy(ROOT / name, place)

    assert contents(build(source, "wheel", tmp_path / "dist")) == contents(wheel)


def healthy(url: str) -> bool:
    """Whether the image's own health check accepts the URL."""
    (check,) = arguments("HEALTHCHECK")
    _, program, *words = json.loads(check[check.index("CMD ") + 4 :])
    environ = {"HEALTH_URL": url, "http_proxy": "http://127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, program, *words], env=environ, capture_output=True, timeout=DEADLINE, check=False
    )
    return done.returncode == 0


def test_the_health_check_sees_whether_a_simulator_answers() -> None:
    with run_simulator() as simulator:
        assert healthy(f"{simulator.url}/simulator")
        assert not healthy(f"{simulator.url}/nowhere")  # as 503 of /ready
    assert not healthy(f"http://127.0.0.1:{closed_port()}/ready")


def test_every_command_is_one_that_devkit_has() -> None:
    found = list(commands())

    assert {words[0] for words in found} >= {"dev", "simulate", "list", "report"}
    for name, *words in found:
        command = import_module(f"devkit.cli.{name}").command
        command.make_parser(click.Context(command)).parse_args(args=words)


def test_settings_in_the_files_are_settings_of_devkit(tmp_path: Path) -> None:
    known = set(re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert set(COMPOSE["devkit"]["environment"]) <= known
    settings = read_settings(COMPOSE["devkit"]["environment"], tmp_path)
    assert settings.has_credentials
    assert settings.forward_private


def test_ports_are_published_on_this_machine_only() -> None:
    published = [port for service in COMPOSE.values() for port in service.get("ports", [])]

    assert len(published) == 2
    assert all(re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port) for port in published)
    # Neither the receiver nor the inspector is among them.
    assert not [port for port in published if "3000" in port or "3040" in port]


def test_each_service_has_what_the_page_says_it_needs() -> None:
    services: dict[str, dict[str, Any]] = COMPOSE

    assert services["devkit"]["network_mode"] == "service:simulator"
    assert "--private-network" in services["simulator"]["command"]
    assert "--private-network" not in services["devkit"]["command"]
    assert services["devkit"]["environment"]["DEVKIT_FORWARD_TO"].startswith("http://app:5000/")
    assert all(service["build"] == "." for service in services.values())
    volumes = [volume for service in services.values() for volume in service.get("volumes", [])]
    assert [volume for volume in volumes if not (ROOT / volume.split(":")[0]).exists()] == []
    assert all(service.get("init") for name, service in services.items() if name != "app")


def test_the_dev_container_makes_what_the_makefile_makes() -> None:
    assert DEV_CONTAINER["postCreateCommand"] == "make .venv/dev-stamp"
    assert "DEV := $(VENV)/dev-stamp" in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert DEV_CONTAINER["forwardPorts"] == [3040]


def test_the_page_says_that_nothing_of_it_was_run() -> None:
    assert "never built or run" in PAGE.partition("\n## ")[0]
