import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from devkit.errors import StoreError
from devkit.events.session import NotRecorded, ReceiptTaken, Refused
from devkit.fixture.format import Fixture, load
from devkit.fixture.store import NewRecording, Store
from devkit.receiver.app import IncomingRequest
from devkit.webhook.callback import CALLBACK_PATH, REACHABILITY_HEADER, Callback
from devkit.webhook.signature import sign
from tests.support.raw_socket import DEADLINE
from tests.support.recorder import FIELDS, NOON, SECRET, RecordingSession, receipt


@pytest.fixture
def session(tmp_path: Path) -> RecordingSession:
    return RecordingSession(tmp_path)


def test_a_receipt_is_on_disk_before_it_is_answered(session: RecordingSession) -> None:
    assert session.handle(receipt()) == 200

    (path,) = session.files
    assert load(path) == Fixture(NOON, receipt(), signature="absent")
    assert session.recorder.recorded == 1


def test_no_answer_is_given_while_the_disk_is_at_work(tmp_path: Path) -> None:
    asked, done = threading.Event(), threading.Event()

    class SlowStore(Store):
        def record_all(self, recordings: Sequence[NewRecording]) -> list[str | StoreError]:
            asked.set()
            done.wait(DEADLINE)
            return super().record_all(recordings)

    session = RecordingSession(tmp_path, store=SlowStore(tmp_path))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(session.handle, receipt())
        assert asked.wait(DEADLINE)
        assert (answer.done(), session.events) == (False, [])
        done.set()

        assert answer.result(DEADLINE) == 200


def test_a_receipt_that_cannot_be_written_is_503_and_published(tmp_path: Path) -> None:
    class FullStore(Store):
        def record_all(self, recordings: Sequence[NewRecording]) -> list[str | StoreError]:
            return [StoreError("No space left.", hint="Make room.") for _ in recordings]

    session = RecordingSession(tmp_path, store=FullStore(tmp_path))

    assert session.handle(receipt()) == 503
    assert session.events == [NotRecorded("No space left.", "Make room.")]
    assert session.recorder.recorded == 0


def _a_file_in_its_place(root: Path) -> None:
    (root / "recorded").write_text("")


def _a_link_to_nowhere(root: Path) -> None:
    (root / "recorded").symlink_to(root / "nowhere")


def _a_file_for_the_day(root: Path) -> None:
    (root / "recorded").mkdir()
    (root / "recorded" / "2026-11-23").write_text("")


@pytest.mark.parametrize("spoil", [_a_file_in_its_place, _a_link_to_nowhere, _a_file_for_the_day])
def test_a_broken_directory_is_503_until_it_is_fixed(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    session = RecordingSession(tmp_path)
    spoil(tmp_path)

    assert session.handle(receipt()) == 503
    assert [type(event) for event in session.events] == [NotRecorded]

    (tmp_path / "recorded").rename(tmp_path / "elsewhere")
    assert session.handle(receipt()) == 200
    assert len(session.files) == 1


@pytest.mark.parametrize(
    "callback",
    [
        Callback("POST", CALLBACK_PATH, (("Content-Length", "0"),)),
        Callback("POST", CALLBACK_PATH, (("Content-Type", "application/json"),), b'["status"]'),
        Callback("GET", f"{CALLBACK_PATH}?\xff=1"),
        Callback("POST", CALLBACK_PATH, (), b"\x00\xff"),
    ],
)
def test_what_cannot_be_read_is_recorded_and_answered_200(
    session: RecordingSession, callback: Callback
) -> None:
    assert session.handle(callback) == 200

    (path,) = session.files
    assert load(path).callback == callback
    assert '"problem": "' in path.read_text()
    assert "-unparsed-noid-" in path.name
    (event,) = session.events
    assert isinstance(event, ReceiptTaken)
    assert event.problem
    assert (event.status, event.msisdn, event.meaning) == ("", "", "")


def test_the_note_of_the_receiver_is_kept(session: RecordingSession) -> None:
    session.handle(receipt(), captured="headers were merged")

    assert load(session.files[0]).captured == "headers were merged"


def test_a_replay_is_published_and_not_recorded_again(session: RecordingSession) -> None:
    assert session.handle(receipt(), kind="replay") == 200

    assert session.files == []
    assert session.recorder.recorded == 0
    (event,) = session.events
    assert isinstance(event, ReceiptTaken)
    assert (event.replay, event.file, event.status) == (True, "", "failed")


def test_a_triggered_receipt_is_recorded_with_a_tag_and_forwarded(session: RecordingSession) -> None:
    forwarded: list[str] = []
    session.recorder.forward = lambda callback, message_id, file: forwarded.append(file)

    assert session.handle(receipt(), kind="triggered") == 200

    (path,) = session.files
    assert load(path).tags == ("triggered",)
    assert forwarded == [str(path)]
    (event,) = session.events
    assert isinstance(event, ReceiptTaken)
    assert (event.triggered, event.replay, event.file) == (True, False, str(path))


def test_a_receipt_of_vonage_s_has_no_tag(session: RecordingSession) -> None:
    session.handle(receipt())

    assert load(session.files[0]).tags == ()


@pytest.mark.parametrize("require", [False, True])
@pytest.mark.parametrize(("sig", "verdict"), [("right", "valid"), ("wrong", "invalid"), (None, "absent")])
def test_a_signature_is_judged_and_may_be_required(
    tmp_path: Path, require: bool, sig: str | None, verdict: str
) -> None:
    session = RecordingSession(tmp_path, require_signature=require, secret=SECRET, method="sha256")
    sigs = {"right": sign(FIELDS, SECRET, "sha256").upper(), "wrong": "0" * 64}

    status = session.handle(receipt(**({"sig": sigs[sig]} if sig else {})))

    if require and verdict != "valid":
        assert status == 401
        assert session.files == []
        assert session.events == [Refused(401, f"the signature is {verdict}", 1)]
    else:
        assert status == 200
        assert load(session.files[0]).signature == verdict


def test_what_cannot_be_read_has_no_signature_either(tmp_path: Path) -> None:
    session = RecordingSession(tmp_path, require_signature=True, secret=SECRET)

    assert session.handle(Callback("POST", CALLBACK_PATH, (), b"\xff")) == 401


def test_receipts_that_came_together_each_get_their_own_answer(tmp_path: Path) -> None:
    class HalfFullStore(Store):
        def record_all(self, recordings: Sequence[NewRecording]) -> list[str | StoreError]:
            *others, _ = super().record_all(recordings)
            return [*others, StoreError("No space left.", hint="Make room.")]

    session = RecordingSession(tmp_path, store=HalfFullStore(tmp_path), require_signature=True, secret=SECRET)
    signed = [
        receipt(messageId=name, sig=sign({**FIELDS, "messageId": name}, SECRET, "md5hash")) for name in "AB"
    ]
    probe = Callback("GET", CALLBACK_PATH, ((REACHABILITY_HEADER, "n0nce"),))
    requests = [
        IncomingRequest("receipt", signed[0]),
        IncomingRequest("probe", probe),
        IncomingRequest("receipt", receipt()),
        IncomingRequest("refused", receipt(), status=404),
        IncomingRequest("replay", signed[0]),
        IncomingRequest("receipt", signed[1]),
    ]

    statuses, after_response = session.recorder.handle_batch(requests)

    assert statuses == [200, 200, 401, 404, 200, 503]
    assert len(session.files) == 2
    assert [event.name for event in session.events] == ["refused"]
    after_response()
    assert [event.name for event in session.events[1:]] == ["receipt", "refused", "receipt", "not_recorded"]
    assert session.recorder.recorded == 1
    assert session.recorder.reached.is_set()


def test_many_threads_record_each_receipt_once(session: RecordingSession) -> None:
    with ThreadPoolExecutor(8) as pool:
        statuses = list(
            pool.map(session.handle, [receipt(messageId=f"{number:016X}") for number in range(40)])
        )

    assert statuses == [200] * 40
    assert session.recorder.recorded == 40
    assert len({load(path).callback.body for path in session.files}) == 40
