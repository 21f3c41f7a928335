"""`devkit keep` as a user runs it, in a process of its own."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from keepable import ACCOUNT_SECRET, WHEN

from devkit.callback import compose
from devkit.catalogue import TEST_SIGNATURE_SECRET
from devkit.fixture import Fixture, dumps, load
from devkit.receipt import Receipt
from devkit.session import project_in
from devkit.signature import sign, verify
from devkit.store import Store

ORIGINALS = (
    "0987654321098",
    "0A0000001234567B",
    "a1b2c3d4",
    "a1b2-tunnel.internal",
    "s3cr3t-t0ken-of-path",
)


@pytest.fixture
def project(tmp_path):
    (tmp_path / ".env").write_text(
        f"VONAGE_SIGNATURE_SECRET={ACCOUNT_SECRET}\nVONAGE_SIGNATURE_METHOD=sha256\n"
    )
    return tmp_path


def record(project: Path, status: str = "delivered", **more: str) -> Path:
    fields = {"msisdn": ORIGINALS[0], "to": "AcmeInc", "messageId": ORIGINALS[1], "status": status}
    fields |= {"err-code": "0", "api-key": ORIGINALS[2], "timestamp": "1577880000", **more}
    fields["sig"] = sign(fields, ACCOUNT_SECRET, "sha256")
    target = f"/webhooks/delivery-receipt/{ORIGINALS[4]}"
    fixture = Fixture(WHEN, compose(fields, "form", target=target, host=ORIGINALS[3]), signature="valid")
    return Store(project / "fixtures").record(fixture, Receipt(fields))


def _callback_token(directory: Path) -> str:
    project = project_in(directory)
    project.prepare()
    return project.callback_token()


def keep(project: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "devkit", "keep", *args]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(
        command, cwd=project, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_latest_recording_becomes_a_sample(project):
    record(project)

    done = keep(project, "latest", "--name", "mine")

    path = project / "fixtures" / "samples" / "mine.json"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{path.relative_to(project)}: replaced path (removed), ")
    assert "msisdn (number)" in done.stdout
    assert "sig (re-signed sha256)" in done.stdout
    assert not any(original in path.read_text() + done.stdout for original in ORIGINALS)
    receipt = load(path).read()
    assert verify(receipt.fields, TEST_SIGNATURE_SECRET, "sha256") == "valid"


def test_json_lines_and_a_dry_run(project):
    source = record(project)

    done = keep(project, str(source), "--json", "--dry-run")

    (line,) = map(json.loads, done.stdout.splitlines())
    path = project / "fixtures" / "samples" / "delivered-form.json"
    assert done.returncode == 0
    assert {name: line[name] for name in ("event", "file", "source", "written")} == {
        "event": "kept",
        "file": str(path),
        "source": str(source),
        "written": False,
    }
    assert line["replaced"]["messageId"] == "pseudonym"
    assert not path.exists()


def test_two_runs_use_one_key_and_a_sample_is_not_replaced_by_itself(project):
    record(project)
    keep(project, "latest", "--name", "one")
    keep(project, "latest", "--name", "two")

    again = keep(project, "latest", "--name", "two")

    one, two = (load(project / "fixtures" / "samples" / f"{name}.json") for name in ("one", "two"))
    assert one == two
    assert again.returncode == 2
    assert again.stderr.splitlines()[1] == "Hint: Choose another --name, or replace it: --force"
    assert keep(project, "latest", "--name", "two", "--force").returncode == 0


def test_nothing_is_written_when_one_of_several_is_unsafe(project):
    paths = [record(project, "accepted"), record(project, "delivered", city="Winchester")]

    done = keep(project, *map(str, paths), "--name", "mine")

    assert done.returncode == 3
    assert done.stdout == ""
    assert "unknown fields may identify somebody: 'city'" in done.stderr
    assert "--allow-field city" in done.stderr
    assert not (project / "fixtures" / "samples").exists()

    allowed = keep(project, *map(str, paths), "--name", "mine", "--redact-field", "city")
    assert allowed.returncode == 0
    assert len(list((project / "fixtures" / "samples" / "mine").iterdir())) == 2


def test_a_signature_is_judged_with_the_configured_secret_and_any_method(project):
    # At capture VONAGE_SIGNATURE_METHOD was wrong, so the verdict was too.
    path = record(project)
    path.write_bytes(dumps(replace(load(path), signature="invalid")))

    assert keep(project, "latest", "--name", "mine").returncode == 0

    sample = load(project / "fixtures" / "samples" / "mine.json")
    assert sample.signature == "valid"
    assert verify(sample.read().fields, TEST_SIGNATURE_SECRET, "sha256") == "valid"


@pytest.mark.parametrize("name", ["VONAGE_SIGNATURE_SECRET", "DEVKIT_CALLBACK_TOKEN"])
def test_the_secrets_of_the_project_are_looked_for(project, name):
    secrets = {
        "VONAGE_SIGNATURE_SECRET": ACCOUNT_SECRET,
        "DEVKIT_CALLBACK_TOKEN": _callback_token(project),
    }
    path = record(project)
    path.write_bytes(dumps(replace(load(path), note=f"seen: {secrets[name]}")))

    done = keep(project, "latest")

    assert done.returncode == 3
    assert f"the value of '{name}' still stands in its note" in done.stderr
    assert secrets[name] not in done.stderr


def test_it_loads_neither_servers_nor_the_sdk(project):
    record(project)
    heavy = "flask, vonage, pyngrok, requests, rich, pydantic, waitress"
    code = (
        "import sys; from devkit.cli import devkit; "
        "devkit(['keep', 'latest'], standalone_mode=False); "
        f"sys.exit(', '.join(set('{heavy}'.split(', ')) & set(sys.modules)) or 0)"
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
