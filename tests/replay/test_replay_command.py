import io
import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from pprint import pformat

import pytest
from flask import Flask, request
from werkzeug.serving import WSGIRequestHandler, make_server

from devkit.events import Event
from devkit.events.session import ReceiptTaken, Refused
from devkit.fixture.format import Fixture, dumps, load
from devkit.fixture.store import Store, samples_directory
from devkit.http.server import listen
from devkit.receiver.app import TokenAccess, serve_receiver
from devkit.receiver.recorder import Recorder
from devkit.session.project import Session, project_in
from devkit.webhook.callback import CALLBACK_PATH, TRANSPORTS, Callback, compose, to_wire
from devkit.webhook.receipt import Receipt, read
from devkit.webhook.signature import TEST_SIGNATURE_SECRET, verify
from tests.support.command import call, read_line, run, start
from tests.support.parsed_request import received
from tests.support.raw_socket import DEADLINE, NOT_FOUND, OK, closed_port, raw_server
from tests.support.recording_server import recording_server

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def write(path: Path, callback: Callback, recorded_at: datetime = NOW) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(dumps(Fixture(recorded_at, callback)))
    return path


def fields_of(data: bytes) -> dict[str, object]:
    reading = read(received(data))
    assert isinstance(reading, Receipt)
    return dict(reading.fields)


def test_a_recording_is_sent_byte_for_byte_except_for_the_documented_changes(tmp_path: Path) -> None:
    headers = (
        ("accept", "*/*"),
        ("Host", "dlr.example.com"),
        ("X-A", "1"),
        ("x-a", "caf\xe9"),
        ("Via", "1.1 x"),
    )
    recorded = Callback("GET", f"{CALLBACK_PATH}/s3cret?status=%7ex&&\xff", headers)
    write(tmp_path / "mine.json", recorded)

    with raw_server([OK]) as server:
        result = run(tmp_path, "replay", "mine", "--to", server.url)

    host = ("Host", server.url.removeprefix("http://"))
    assert result.code == 0
    assert server.requests == [
        to_wire(
            Callback(
                "GET",
                f"{CALLBACK_PATH}?status=%7ex&&\xff",
                (headers[0], host, *headers[2:], ("X-Devkit-Replay", "1")),
            )
        )
    ]
    assert result.out[0].startswith(
        "ok           2026-11-23 12:00:00  unreadable            -> 200 "
    )  # its query is not UTF-8
    assert result.out[-1] == "replay: 1 ok, 0 failed, 0 unreachable"


def test_exact_sends_the_recorded_bytes(tmp_path: Path) -> None:
    headers = (("Host", "dlr.example.com"), ("Connection", "close"), ("content-length", "3"))
    recorded = Callback("POST", f"{CALLBACK_PATH}/s3cret", headers, b"\xff\x00a")
    write(tmp_path / "mine.json", recorded)

    with raw_server([OK]) as server:
        result = call(tmp_path, "replay", "mine.json", "--to", server.url, "--exact")

    assert result.code == 0
    assert server.requests == [to_wire(recorded)]


def test_every_sample_can_be_replayed(tmp_path: Path) -> None:
    directory = samples_directory()
    paths = sorted(directory.glob("*.json")) + sorted(directory.glob("sequence/*/*.json"))
    names = [path.relative_to(directory).with_suffix("").as_posix() for path in paths]

    with raw_server([OK] * len(paths)) as server:
        result = call(tmp_path, "replay", *names, "--to", server.url, "--json")

    assert result.code == 0
    assert [json.loads(line).get("file") for line in result.out[:-1]] == names
    for path, data in zip(paths, server.requests, strict=True):
        sent, recorded = received(data), load(path).callback
        assert (sent.method, sent.body) == (recorded.method, recorded.body)
        assert sent.query == recorded.query
        assert sent.header("Authorization") == recorded.header("Authorization")  # the token of other kinds


@contextmanager
def tutorial() -> Iterator[tuple[str, io.StringIO]]:
    """The handler of the usual tutorial: takes the receipt however it comes, prints it, answers 204."""
    app, printed = Flask("tutorial"), io.StringIO()

    @app.route(CALLBACK_PATH, methods=["GET", "POST"])
    def delivery_receipt() -> tuple[str, int]:
        data = request.get_json() if request.is_json else (dict(request.form) or dict(request.args))
        printed.write(pformat(data))
        return "", 204

    class Quiet(WSGIRequestHandler):
        def log(self, *args: object) -> None:
            pass

    server = make_server("127.0.0.1", 0, app, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", printed
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_tutorial_s_handler_takes_every_transport(tmp_path: Path) -> None:
    with tutorial() as (url, printed):
        names = ("delivered", "delivered-form", "delivered-json")
        result = call(tmp_path, "replay", *names, DEVKIT_FORWARD_TO=url)

    assert result.code == 0
    assert [re.findall(r"-> (\d+) ", line) for line in result.out[:-1]] == [["204"]] * 3
    assert printed.getvalue().count("'status': 'delivered'") == 3


@pytest.mark.parametrize(
    ("word", "transport"),
    [*zip(TRANSPORTS, TRANSPORTS, strict=True), ("POST-JSON", "json"), ("post", "form")],
)
def test_fields_and_transport_can_be_changed(tmp_path: Path, word: str, transport: str) -> None:
    with raw_server([OK]) as server:
        edits = ("--set", "status=failed", "--set", "client-ref=a b&c", "--unset", "price", "-H", "X-Try: 2")
        result = call(tmp_path, "replay", "delivered", "--to", f"{server.url}/dlr", "--as", word, *edits)

    assert result.code == 0
    callback, fields = received(server.requests[0]), fields_of(server.requests[0])
    assert (callback.transport, callback.path) == (transport, "/dlr")
    assert callback.header("X-Try") == "2"
    assert (fields["status"], fields["client-ref"]) == ("failed", "a b&c")
    assert "price" not in fields


def test_a_refused_old_signature_can_be_renewed_and_is_right(tmp_path: Path) -> None:
    unauthorized = b"HTTP/1.1 401 Words\r\nContent-Length: 0\r\n\r\n"
    settings = {"VONAGE_SIGNATURE_SECRET": TEST_SIGNATURE_SECRET, "VONAGE_SIGNATURE_METHOD": "sha512"}
    with raw_server([unauthorized], [unauthorized]) as server:
        options = ("replay", "signed-sha256", "--to", server.url)
        refused = call(tmp_path, *options, **settings)
        renewed = call(tmp_path, *options, "--now", "--resign", **settings)

    assert (refused.code, renewed.code) == (1, 1)
    assert "--now --resign" in refused.err
    assert "--now --resign" not in renewed.err
    old, new = map(fields_of, server.requests)
    assert new["message-timestamp"] != old["message-timestamp"]
    assert new["nonce"] != old["nonce"]
    assert verify(new, TEST_SIGNATURE_SECRET, "sha512") == "valid"


def test_order_and_duplicates_are_as_chosen(tmp_path: Path) -> None:
    with raw_server([OK] * 6) as server:
        result = call(
            tmp_path,
            *("replay", "sequence/accepted-buffered-delivered", "--to", server.url),
            *("--order", "reversed", "--duplicate", "2"),
        )

    assert result.out[-1] == "replay: 6 ok, 0 failed, 0 unreachable"
    sent = [fields_of(data)["status"] for data in server.requests]
    assert sent == ["delivered", "delivered", "buffered", "buffered", "accepted", "accepted"]


def test_a_shuffle_prints_its_seed_and_can_be_repeated(tmp_path: Path) -> None:
    options = ("replay", "sequence/concatenated", "--dry-run", "--order", "shuffle", "--repeat", "5")
    first = call(tmp_path, *options)
    seed = first.err.split("--seed ")[1].split()[0]
    again = call(tmp_path, *options, "--seed", seed)

    assert first.out == again.out
    assert len(first.out) == 30
    assert "shuffled" not in again.err


def test_options_without_effect_are_named(tmp_path: Path) -> None:
    options = ("replay", "delivered", "--dry-run", "--seed", "1", "--max-wait", "2")
    idle = call(tmp_path, *options)
    used = call(tmp_path, *options, "--order", "shuffle", "--speed", "1x")

    assert [line for line in idle.err.splitlines() if "effect" in line] == [
        "Notice: --seed has no effect without --order shuffle",
        "Notice: --max-wait has no effect at --speed max, which has no gaps",
    ]
    assert "effect" not in used.err


def test_a_rate_keeps_receipts_apart(tmp_path: Path) -> None:
    result = call(tmp_path, "replay", "delivered", "--repeat", "3", "--rate", "4", "--dry-run", "--json")

    assert [json.loads(line).get("due") for line in result.out[:3]] == [0, 0.25, 0.5]


def test_times_are_those_of_sending(tmp_path: Path) -> None:
    with raw_server([OK] * 2) as server:
        options = ("--repeat", "2", "--rate", "0.8", "--now")
        result = call(tmp_path, "replay", "delivered", "--to", server.url, *options)

    first, second = (fields_of(data)["message-timestamp"] for data in server.requests)
    assert result.code == 0
    assert first != second


@pytest.mark.parametrize(("options", "connections"), [((), 1), (("--jobs", "4"), 4)])
def test_jobs_are_connections(tmp_path: Path, options: tuple[str, ...], connections: int) -> None:
    with recording_server() as server:
        result = call(tmp_path, "replay", "failed-*", "--to", server.url, *options)

    assert result.code == 0
    assert server.connections == connections


def test_fail_fast_stops_after_the_first_failure(tmp_path: Path) -> None:
    with raw_server([NOT_FOUND] * 3) as server:
        options = ("--repeat", "3", "--fail-fast")
        result = call(tmp_path, "replay", "delivered", "--to", server.url, *options)

    assert len(server.requests) == 1
    assert "stopped early: 2 of 3 not sent or not answered" in result.err


def test_a_quiet_replay_shows_what_is_not_as_expected(tmp_path: Path) -> None:
    with raw_server([OK, NOT_FOUND, OK]) as server:
        options = ("--repeat", "3", "--expect", "404", "--quiet")
        result = call(tmp_path, "replay", "delivered", "--to", server.url, *options)

    assert result.out[-1] == "replay: 1 ok, 2 failed, 0 unreachable"
    assert [line.split()[0] for line in result.out[:-1]] == ["failed", "failed"]


def test_a_dry_run_sends_nothing_and_shows_no_number(tmp_path: Path) -> None:
    with raw_server([OK]) as server:
        options = ("replay", "sequence/expired", "--to", server.url, "--speed", "1x", "--dry-run")
        result = call(tmp_path, *options, "--max-wait", "5")

        assert server.connections == 0
    assert result.code == 0
    assert "5.000 s" in result.out[-1]
    assert "44770090" not in "".join(result.out) + result.err


@pytest.mark.parametrize(
    ("script", "summary"),
    [
        ([[OK, b"HTTP/1.1 500 Words\r\nContent-Length: 0\r\n\r\n"]], "1 ok, 1 failed, 0 unreachable"),
        ([[b""], [OK]], "1 ok, 1 failed, 0 unreachable"),
        ([[None], [None]], "0 ok, 2 failed, 0 unreachable"),
    ],
    ids=["500", "closes early", "says nothing"],
)
def test_an_unexpected_status_is_exit_code_1(
    tmp_path: Path, script: list[list[bytes | None]], summary: str
) -> None:
    timeout = "0.05" if script[0] == [None] else "10"
    with raw_server(*script) as server:
        result = call(tmp_path, "replay", "delivered", "failed", "--to", server.url, "--timeout", timeout)

    assert result.code == 1
    assert result.out[-1] == f"replay: {summary}"
    assert result.err.startswith("Hint: ")


def test_an_unreachable_target_is_exit_code_4(tmp_path: Path) -> None:
    result = call(tmp_path, "replay", "delivered", "--json", DEVKIT_PORT=str(closed_port()))

    assert result.code == 4
    sent, summary = map(json.loads, result.out)
    assert (sent["event"], sent["outcome"], sent["answer"]) == ("replayed", "unreachable", None)
    assert summary == {"event": "summary", "ok": 0, "failed": 0, "unreachable": 1}


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["delivred"], 3, "'delivred'"),
        (["broken.json"], 3, "broken.json"),
        (["delivered", "--to", "http://192.0.2.1"], 2, "not on this machine"),
        (
            ["secret.json", "--exact", "--allow-remote", "--to", "http://dlr.example.test"],
            2,
            "secret of your",
        ),
        (["delivered", "--speed", "fast"], 2, "'fast'"),
        (["delivered", "--expect", "ok"], 2, "'ok'"),
        (["delivered", "--jobs", "0"], 2, "--jobs"),
        (["delivered", "--resign"], 3, "VONAGE_SIGNATURE_SECRET"),
        (["json-array", "--set", "a=b"], 3, "json-array"),
        ([], 2, "SELECTOR"),
    ],
)
def test_a_usage_error_has_a_message(tmp_path: Path, args: list[str], code: int, words: str) -> None:
    (tmp_path / "broken.json").write_bytes(b"{")
    write(tmp_path / "secret.json", compose({"status": "delivered"}, "get", target=f"{CALLBACK_PATH}/s3cret"))

    result = call(tmp_path, "replay", *args)

    assert result.code == code
    assert words in result.err
    assert "Traceback" not in result.err
    assert result.out == []


def test_devkit_s_own_receiver_shows_a_replay_and_does_not_record_it_again(tmp_path: Path) -> None:
    events: list[Event] = []
    store = Store(tmp_path / "fixtures")
    store.prepare()
    recorder = Recorder(store, events.append, lambda: NOW, "nonce")
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    project = project_in(tmp_path)
    project.prepare()
    session = Session(os.getpid(), "2026-11-23T12:00:00Z", "offline", url, "", "")
    with (
        serve_receiver(recorder.handle_batch, listener, TokenAccess("s3cret")),
        project.session_file(session),
    ):
        result = call(tmp_path, "replay", "through-tunnel", "delivered-json", "--to", url)

    assert result.code == 0, result
    assert not [event for event in events if isinstance(event, Refused)]
    taken = [event for event in events if isinstance(event, ReceiptTaken)]
    assert [(event.status, event.replay, event.file) for event in taken] == [("delivered", True, "")] * 2
    assert list(store.entries()) == []


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_ends_with_the_summary_so_far(tmp_path: Path, jobs: str) -> None:
    with raw_server([OK] * 2, [OK] * 2) as server:
        options = ("--to", server.url, "--speed", "1x", "--jobs", jobs)  # 72 hours between the two
        with start(
            tmp_path, "replay", "sequence/expired", *options, settings={"PYTHONUNBUFFERED": "1"}
        ) as process:
            first = read_line(process)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=DEADLINE)

    assert first.startswith("ok ")
    assert process.returncode == 1
    assert out.splitlines() == ["replay: 1 ok, 0 failed, 0 unreachable"]
    assert "Traceback" not in err


def test_printed_lines_are_flushed_before_a_pause(tmp_path: Path) -> None:
    with raw_server([OK] * 3) as server:
        options = ("--to", server.url, "--speed", "1x", "--duplicate", "2", "--json")
        with start(
            tmp_path, "replay", "sequence/expired", *options, settings={"PYTHONUNBUFFERED": ""}
        ) as process:
            reported = [json.loads(read_line(process) or "{}").get("outcome") for _ in range(2)]
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=DEADLINE)

    assert reported == ["ok", "ok"]


def test_a_closed_pipe_is_no_traceback(tmp_path: Path) -> None:
    with raw_server([OK] * 100) as server:
        options = ("--to", server.url, "--repeat", "100", "--rate", "2000")
        with start(tmp_path, "replay", "delivered", *options) as process:
            assert read_line(process).startswith("ok ")
            assert process.stdout is not None
            process.stdout.close()
            assert process.stderr is not None
            err = process.stderr.read()

    assert "Traceback" not in err


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
@pytest.mark.parametrize("settings", [{}, {"NO_COLOR": "1"}], ids=["colours", "no colours"])
def test_on_a_terminal_many_receipts_get_a_bar_and_lines_for_those_that_are_not_ok(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    ours, theirs = os.openpty()
    with raw_server([OK] * 59 + [NOT_FOUND]) as server:
        options = ("replay", "delivered", "--repeat", "60", "--to", server.url)
        with start(
            tmp_path, *options, stdout=theirs, stderr=theirs, settings={"TERM": "xterm", **settings}
        ) as process:
            os.close(theirs)
            shown = _read_terminal(ours)

    assert process.returncode == 1
    assert (shown.count("-> 200 "), shown.count("-> 404 ")) == (0, 1)
    assert shown.rstrip().endswith("replay: 59 ok, 1 failed, 0 unreachable")
    assert "/60" in shown
    assert ("\x1b[32m" in shown) == (not settings)


def _read_terminal(terminal: int) -> str:
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux says so that the other end is closed
            part = b""
        if not part:
            os.close(terminal)
            return b"".join(parts).decode()
        parts.append(part)


def test_a_form_that_vonage_never_sends_is_replayed_too(tmp_path: Path) -> None:
    write(tmp_path / "mine.json", compose({"status": "x" * 60_000}, "form"))

    with raw_server([OK]) as server:
        result = call(tmp_path, "replay", "mine", "--to", server.url)

    assert result.code == 0
    assert fields_of(server.requests[0]) == {"status": "x" * 60_000}
