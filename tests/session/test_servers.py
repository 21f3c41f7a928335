import socket
import ssl
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from devkit.errors import UsageError
from devkit.events.session import ReceiptTaken
from devkit.fixture.store import Store
from devkit.http.address import parse_address
from devkit.http.client import push
from devkit.receiver.recorder import Recorder
from devkit.session.project import project_in
from devkit.session.servers import application_answers, forward_url, receiving
from devkit.session.settings import Settings
from devkit.webhook.callback import CALLBACK_PATH, TRIGGER_HEADER, Callback
from tests.support.event_recorder import EventRecorder
from tests.support.raw_socket import RawServer, closed_port
from tests.support.recording_server import recording_server


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(Store(tmp_path), EventRecorder(), lambda: datetime.now(UTC), "n0nce")


@pytest.fixture
def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    return context


def test_forwarding_to_another_machine_is_refused_at_the_start(tmp_path: Path, recorder: Recorder) -> None:
    settings = Settings(port=0, forward_to="https://192.0.2.1/dlr?key=s3cret")

    with (
        pytest.raises(UsageError) as caught,
        receiving(recorder, settings, project_in(tmp_path), ""),
    ):
        pass

    assert caught.value.message == (
        "Receipts cannot be forwarded to https://192.0.2.1: it is not on this machine, and receipts hold phone numbers."
    )
    assert "--forward-to 5000" in caught.value.hint
    assert "s3cret" not in caught.value.message + caught.value.hint


def test_forwarding_to_a_name_that_nobody_knows_is_refused_at_the_start(
    tmp_path: Path, recorder: Recorder
) -> None:
    settings = Settings(port=0, forward_to="lokalhost.test:5000")

    with (
        pytest.raises(UsageError, match=r"to http://lokalhost\.test:5000: its name is not known \("),
        receiving(recorder, settings, project_in(tmp_path), ""),
    ):
        pass


def test_forwarding_to_a_container_needs_the_setting(
    tmp_path: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("172.18.0.2", 5000))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    settings = Settings(port=0, forward_to="http://app:5000/dlr")

    with pytest.raises(UsageError) as caught, receiving(recorder, settings, project_in(tmp_path), ""):
        pass
    assert "DEVKIT_FORWARD_PRIVATE=1" in caught.value.hint

    with receiving(recorder, replace(settings, forward_private=True), project_in(tmp_path), ""):
        assert recorder.forward is not None


def test_a_port_alone_is_one_of_this_machine() -> None:
    assert forward_url(Settings(forward_to="5000/dlr")) == "http://localhost:5000/dlr"


def test_an_application_answers_or_not_yet() -> None:
    notices = EventRecorder()
    port = closed_port()
    settings = Settings(forward_to=str(port))

    assert application_answers(Settings(), notices) is None
    assert application_answers(settings, notices) is False
    with recording_server(port=port):
        assert application_answers(settings, notices) is True
    assert notices.events == []


def test_https_to_an_application_that_speaks_plain_http_is_named() -> None:
    def converse(_: RawServer, connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    notices = EventRecorder()
    with closing(RawServer([converse])) as plain:
        answers = application_answers(Settings(forward_to=f"https://{plain.host}"), notices)

    assert answers is False
    assert notices.notices == [f"https://{plain.host} does not speak https (it answers in plain http)."]


def test_a_certificate_that_is_not_accepted_is_named(tls: ssl.SSLContext) -> None:
    notices = EventRecorder()
    with recording_server(tls=tls) as server:
        url = f"https://localhost:{server.place[1]}"
        answers = application_answers(Settings(forward_to=url), notices)

    assert answers is False
    assert notices.notices[0].startswith(f"The certificate of {url} is not accepted (")


def test_where_it_is_not_known_who_is_local_only_the_separate_port_trusts_programs_of_this_machine(
    tmp_path: Path, recorder: Recorder
) -> None:
    settings, token = Settings(port=0), "0123456789abcdef"
    path = f"{CALLBACK_PATH}/{token}"

    def deliver(url: str, target: str) -> int:
        # What a stranger can make arrive at worst: nothing shows that it was forwarded.
        address = parse_address(url)
        headers = (("Host", address.netloc), (TRIGGER_HEADER, "1"))
        return push(Callback("GET", f"{target}?messageId=1&status=delivered", headers), address).status

    with receiving(recorder, settings, project_in(tmp_path), token, separate=True) as urls:
        assert [deliver(urls.tunnel, CALLBACK_PATH), deliver(urls.tunnel, path)] == [404, 200]
        assert [deliver(urls.local, CALLBACK_PATH), deliver(urls.local, path)] == [200, 200]

    assert urls.local != urls.tunnel
    taken = [event for event in recorder.publish.events if isinstance(event, ReceiptTaken)]  # type: ignore[attr-defined]
    assert [event.triggered for event in taken] == [False, True, True]


def test_one_port_is_enough_where_a_tunnel_marks_its_requests(tmp_path: Path, recorder: Recorder) -> None:
    with receiving(recorder, Settings(port=0), project_in(tmp_path), "") as urls:
        assert urls.local == urls.tunnel
