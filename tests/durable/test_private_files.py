"""Unusable files in place of those that devkit reads: an error message or no file, no traceback and no waiting."""

import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.errors import DevkitError
from devkit.fixture.check import check_file
from devkit.fixture.format import load
from devkit.http.address import parse_address
from devkit.session.project import Session, load_key, project_in
from devkit.session.reachability import local_callback_url
from devkit.session.settings import read_settings
from devkit.simulator.tls import trust_in
from devkit.tunnel.agent_process import AgentRecord, end_orphaned_agents, find_orphaned_agents
from devkit.tunnel.process import Process
from devkit.vonage.journal import Journal, other_devkit, read_journal
from tests.support.fake_account import JOURNAL
from tests.support.raw_socket import DEADLINE
from tests.support.session_example import SESSION
from tests.support.strategies import json_values

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")


@pytest.fixture
def in_time() -> Iterator[None]:
    """A test that waits for a FIFO fails."""

    def fail(*_: object) -> None:
        raise AssertionError("it waits")

    former = signal.signal(signal.SIGALRM, fail)
    signal.alarm(60)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)


def read_fixture(directory: Path) -> object:
    return load(directory / "one.json")


def check_fixture(directory: Path) -> object:
    faults = check_file(directory / "one.json").problems
    return [] if faults else "sound"


def take_lock(directory: Path) -> object:
    with project_in(directory).session_lock("now"):
        return None


def read_agents(directory: Path) -> object:
    private = directory / ".devkit"
    return [*find_orphaned_agents(private)] or end_orphaned_agents(private)


def use_session(directory: Path) -> object:
    """As the commands do that find one."""
    session = project_in(directory).session()
    if session:
        parse_address(session.local_url)
        parse_address(local_callback_url(session), allow_remote=True)
    return session


def use_journal(directory: Path) -> object:
    journal = read_journal(project_in(directory).journal)
    if journal:
        other_devkit(journal)
        journal.is_ours(SESSION.callback_url)
    return journal


@dataclass(frozen=True, slots=True)
class Kind:
    """A file that devkit reads. sound: one that is in order. absent: another one may count as none."""

    path: str
    read: Callable[[Path], object]
    absent: bool = False
    sound: object = None


KINDS = {
    "fixture": Kind("one.json", read_fixture),
    "checked fixture": Kind("one.json", check_fixture, absent=True),
    "settings": Kind(".env", lambda directory: read_settings({}, directory, pipe_timeout=0.01), absent=True),
    "callback token": Kind(
        ".devkit/callback-token", lambda directory: project_in(directory).callback_token()
    ),
    "redaction key": Kind(".devkit/redaction-key", lambda directory: load_key(project_in(directory))),
    "journal": Kind(".devkit/registration.json", use_journal, sound=JOURNAL),
    "session": Kind(".devkit/session.json", use_session, absent=True, sound=SESSION),
    "lock": Kind(".devkit/session.lock", take_lock, absent=True),
    "agent record": Kind(
        ".devkit/agent-1/agent.json",
        read_agents,
        absent=True,
        sound=AgentRecord(Process(1 << 22, "1"), Process(1 << 22, "2"), "ngrok"),
    ),
    "certificate": Kind(
        ".devkit/ca/server.pem", lambda directory: trust_in(directory / ".devkit/ca", datetime.now(UTC))
    ),
}


def fifo(path: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    before = os.getcwd()
    os.chdir(path.parent)  # the path of a socket has few characters
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path.name)
    os.chdir(before)


def directory(path: Path) -> None:
    path.mkdir()


def link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def unreadable(path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    path.touch(mode=0)


def three_gigabytes(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(3 << 30)


def deep_json(path: Path) -> None:
    path.write_text("[" * 100_000 + "]" * 100_000)


def number_without_end(path: Path) -> None:
    path.write_text('{"pid": ' + "9" * 50_000 + "}")


OBSTACLES = (
    *(fifo, unix_socket, directory, link_to_itself, device, unreadable, three_gigabytes, deep_json),
    number_without_end,
)


def prepare(directory: Path, kind: Kind) -> Path:
    project_in(directory).prepare()
    path = directory / kind.path
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def outcome(kind: Kind, directory: Path) -> tuple[object, DevkitError | None]:
    try:
        return kind.read(directory), None
    except DevkitError as error:
        return None, error


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("obstacle", OBSTACLES, ids=lambda obstacle: obstacle.__name__)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_an_unusable_file_is_an_error_with_its_path_and_a_hint_or_counts_as_no_file(
    tmp_path: Path, kind: Kind, obstacle: Callable[[Path], None]
) -> None:
    path = prepare(tmp_path, kind)
    obstacle(path)
    found, error = outcome(kind, tmp_path)
    if error:
        assert str(path.parent) in error.message or path.name in error.message
        assert error.hint
        assert len(error.message) < 1000
    elif kind.path.endswith(".pem"):
        assert path.is_file()  # a new one was made
    else:
        assert kind.absent
        assert not found or kind.path == ".env"


def changed(record: object) -> st.SearchStrategy[object]:
    """The record with another value in one place, or with one field more or less."""
    sound = asdict(record)  # type: ignore[call-overload]
    names = st.sampled_from([*sound, "more"])
    odd = json_values | st.sampled_from(["http://[", "http://127.0.0.1:x/", "\x1b[2J", -1, 0, 1 << 70, True])
    return st.builds(lambda name, value: {**sound, name: value}, names, odd) | names.map(
        lambda name: {key: value for key, value in sound.items() if key != name}
    )


@pytest.mark.parametrize("name", KINDS)
def test_any_content_is_read_or_is_an_error_with_a_hint(tmp_path: Path, name: str) -> None:
    kind = KINDS[name]
    documents = json_values if kind.sound is None else json_values | changed(kind.sound)
    contents = st.binary(max_size=200) | documents.map(lambda document: json.dumps(document).encode())

    path = prepare(tmp_path, kind)

    @given(contents)
    def check(content: bytes) -> None:
        path.parent.mkdir(exist_ok=True)  # end_orphaned_agents removes the agent's directory
        path.write_bytes(content)
        _, error = outcome(kind, tmp_path)
        assert error is None or error.hint

    check()


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.sound])
def test_what_devkit_writes_is_read(tmp_path: Path, name: str) -> None:
    kind = KINDS[name]
    prepare(tmp_path, kind).write_text(json.dumps(asdict(kind.sound)))  # type: ignore[call-overload]

    found = kind.read(tmp_path)

    assert found == (kind.sound if isinstance(kind.sound, Session | Journal) else False)


@pytest.mark.usefixtures("in_time")
def test_settings_come_out_of_a_fifo_too(tmp_path: Path) -> None:
    """As a password manager hands them over."""
    path = tmp_path / ".env"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"DEVKIT_PORT=4000\r\n",))
    writer.start()

    assert read_settings({}, tmp_path).port == 4000
    writer.join(DEADLINE)
