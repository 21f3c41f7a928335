"""Fixtures in other forms: what they send, hold and assert is what was recorded."""

import base64
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from devkit.callback import Callback, to_wire
from devkit.export import PAGE_FORMS, export
from devkit.export.curl import curl_command
from devkit.export.unit_test import unit_test
from devkit.fixture import Fixture, dumps, load
from tests.shell_command import sent_by, without

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "fixtures" / "samples"
FILES = sorted(SAMPLES.rglob("*.json"))
URL = "http://127.0.0.1:3000/webhooks/delivery-receipt"
MOMENT = datetime(2026, 6, 1, tzinfo=UTC)
ANY_BODY = bytes(range(256)) + b"%d '\\' \"$HOME\" `id` !! @x"
HOSTILE = Callback(
    "POST",
    "/webhooks/delivery-receipt?a='$(id)'&b=\"`id`\"&c=!!&d=[1-3]{x,y}&e=%41%zz\\&f=\xe9#g",
    (("X-One", 'it\'s "$HOME" `id` !!'), ("x-one", "caf\xe9 %s"), ("X-Empty", ""), ("Accept", "text/plain")),
    ANY_BODY,
)
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


def curl(callback: Callback, shell: str = "sh") -> Callback:
    """What curl sends, without the two headers that are its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/webhooks/delivery-receipt"
        sent = sent_by(curl_command(callback, url), listener, shell)
    return Callback(sent.method, sent.target, without(sent.headers, "host", "content-length"), sent.body)


@needs_curl
@pytest.mark.parametrize(
    "name",
    ["delivered", "failed-form", "signed-json", "client-ref", "empty-body", "json-pretty", "non-utf8-form",
     "non-utf8-query", "repeated-headers", "post-query", "odd-encoding", "own-query", "multipart", "sender-non-ascii"],
)  # fmt: skip
def test_curl_sends_what_was_recorded(name: str) -> None:
    recorded = load(SAMPLES / f"{name}.json").callback

    sent = curl(recorded)

    assert (sent.method, sent.target, sent.body) == (recorded.method, recorded.target, recorded.body)
    assert sorted(sent.headers) == sorted(without(recorded.headers, "host", "content-length"))


@needs_curl
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_curl_sends_any_bytes_and_the_shell_makes_nothing_of_them(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")

    sent = curl(HOSTILE, shell)

    assert (sent.method, sent.target, sent.body) == ("POST", HOSTILE.target, HOSTILE.body)
    assert sorted(sent.headers) == sorted(HOSTILE.headers)


@needs_curl
@pytest.mark.parametrize("query", ["a=[1-3]&b={x,y}", "a=b#c", "a=../../b", "a=%2e%2E", "?a=b", "a='b'"])
def test_curl_sends_queries_that_mean_something_to_curl(query: str) -> None:
    target = f"/webhooks/delivery-receipt?{query}"

    assert curl(Callback("GET", target)).target == target


@needs_curl
@pytest.mark.parametrize("body", [b"@/etc/hostname", b"-n", b"--x\n", b"a=b\r\n", b"\0", b"%", b"\n\n"])
def test_curl_sends_bodies_that_look_like_something_else(body: bytes) -> None:
    assert curl(Callback("POST", "/", (("Content-Type", "text/plain"),), body)).body == body


@needs_curl
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("body", [b"", b"a=b"])
def test_curl_uses_the_method_and_adds_no_header(method: str, body: bytes) -> None:
    sent = curl(Callback(method, "/x?a=b", (), body))

    assert (sent.method, sent.body, sent.headers) == (method, body, ())


@needs_curl
def test_curl_takes_no_name_and_no_value_for_an_option_or_a_file() -> None:
    more = (("-oX", "1"), ("--output", "x"), ("X-File", "@/etc/hostname"), ("X-Empty", ""))

    sent = curl(Callback("-oX", "/x?a=1", more, b"@/etc/hostname"))

    assert (sent.method, sent.body) == ("-oX", b"@/etc/hostname")
    assert sorted(sent.headers) == sorted(more)


def test_curl_leaves_out_what_belongs_to_the_way_here() -> None:
    command = curl_command(load(SAMPLES / "through-tunnel.json").callback, URL)

    assert "X-Forwarded" not in command
    assert "dlr.example.com" not in command


def test_curl_command_has_no_secret_path() -> None:
    callback = Callback("GET", "/webhooks/delivery-receipt/s3cr3t?status=delivered")

    assert curl_command(callback, URL).endswith(
        "'http://127.0.0.1:3000/webhooks/delivery-receipt?status=delivered'\n"
    )


def test_http_is_the_raw_request() -> None:
    for path in FILES:
        fixture = load(path)
        assert export("http", [(path, fixture)], URL) == to_wire(fixture.callback)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_har_holds_the_request(path: Path) -> None:
    fixture = load(path)

    (entry,) = json.loads(export("har", [(path, fixture)], URL))["log"]["entries"]

    request = entry["request"]
    callback = fixture.callback
    url = urlsplit(request["url"])
    assert (request["method"], url.netloc) == (callback.method, "dlr.example.com")
    assert request["url"] == f"https://dlr.example.com{callback.target}"
    assert [(pair["name"], pair["value"]) for pair in request["headers"]] == list(callback.headers)
    assert (request["bodySize"], request["headersSize"]) == (
        len(callback.body),
        len(to_wire(callback)) - len(callback.body),
    )
    assert body_of(request) == callback.body


def body_of(request: dict[str, dict[str, str]]) -> bytes:
    data = request.get("postData")
    if data is None:
        return b""
    return base64.b64decode(data["text"]) if "comment" in data else data["text"].encode()


def test_har_has_all_that_version_1_2_requires() -> None:
    log = json.loads(export("har", [(path, load(path)) for path in FILES], URL))["log"]

    assert log.keys() >= {"version", "creator", "entries"}
    assert (log["version"], log["creator"].keys()) == ("1.2", {"name", "version"})
    assert len(log["entries"]) == len(FILES)
    for entry in log["entries"]:
        assert entry.keys() >= {"startedDateTime", "time", "request", "response", "cache", "timings"}
        assert entry["timings"].keys() >= {"send", "wait", "receive"}
        common = {"httpVersion", "cookies", "headers", "headersSize", "bodySize"}
        assert entry["request"].keys() >= common | {"method", "url", "queryString"}
        assert entry["response"].keys() >= common | {"status", "statusText", "content", "redirectURL"}
        assert entry["response"]["content"].keys() >= {"size", "mimeType"}
        assert datetime.fromisoformat(entry["startedDateTime"]).tzinfo is not None
        assert "mimeType" in entry["request"].get("postData", {"mimeType": ""})


def test_har_shows_the_query_decoded() -> None:
    path = SAMPLES / "client-ref.json"

    (entry,) = json.loads(export("har", [(path, load(path))], URL))["log"]["entries"]

    assert {"name": "client-ref", "value": "order 1001/a&b=c+d"} in entry["request"]["queryString"]


@pytest.mark.parametrize("form", sorted({*PAGE_FORMS} - {"http"}))
def test_no_form_but_the_raw_request_has_the_secret_of_the_path(form: str) -> None:
    target = "/webhooks/delivery-receipt/s3cr3t?status=delivered"
    names = ("X-Original-URI", "X-Forwarded-Uri", "X-Original-URL", "X-Waws-Unencoded-Url", "X-Replaced-Path")
    told = tuple((name, target) for name in names)
    told += (("Referer", f"https://dlr.example.com{target}"), ("Forwarded", f'for=192.0.2.1;path="{target}"'))
    fixture = Fixture(MOMENT, Callback("GET", target, told))

    exported = export(form, [(Path("x.json"), fixture)], URL)

    assert b"s3cr3t" not in exported
    assert form == "pytest" or b"X-Original-URI" in exported
    assert b"s3cr3t" in export("http", [(Path("x.json"), fixture)], URL)


def test_pasted_unit_tests_pass(tmp_path: Path) -> None:
    names = [
        "delivered",
        "json-numbers",
        "empty-body",
        "sequence/out-of-order/01-delivered",
        "unknown-status",
    ]
    chosen = [(SAMPLES / f"{name}.json", load(SAMPLES / f"{name}.json")) for name in names]
    odd = tmp_path / 'it\'s "odd" \u00e9.json'
    odd.write_bytes(dumps(chosen[0][1]))
    source = unit_test([*chosen, (odd, chosen[0][1]), (odd, chosen[0][1])])
    (tmp_path / "test_pasted.py").write_text(source, encoding="ascii")

    result = pytest_run(tmp_path)

    assert result.returncode == 0, result.stdout
    assert "7 passed" in result.stdout


def test_pasted_unit_test_fails_when_the_fixture_says_something_else(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    shutil.copy(SAMPLES / "delivered.json", path)
    pasted: dict[str, Callable[[], None]] = {}
    exec(unit_test([(path, load(path))]), pasted)
    pasted["test_mine"]()
    shutil.copy(SAMPLES / "failed.json", path)

    with pytest.raises(AssertionError):
        pasted["test_mine"]()


def pytest_run(directory: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(directory),
        str(directory),
    ]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


def test_unit_test_names_a_file_of_the_project_from_where_it_will_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    path = SAMPLES / "delivered.json"

    assert 'load(Path("fixtures/samples/delivered.json"))' in unit_test([(path, load(path))])


def test_unit_test_finds_packaged_samples_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = SAMPLES / "sequence" / "expired" / "02-expired.json"

    source = unit_test([(path, load(path))])

    assert 'load("sequence/expired/02-expired")' in source
    assert "import Path" not in source


@pytest.mark.parametrize("form", PAGE_FORMS)
def test_every_form_takes_every_sample(form: str) -> None:
    assert export(form, [(path, load(path)) for path in FILES], URL)
