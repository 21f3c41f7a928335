import pytest
from flask.testing import FlaskClient

from devkit.receiver.app import IncomingRequest, TokenAccess, create_receiver
from devkit.webhook.callback import CALLBACK_PATH
from tests.support.application import OURS, TOKEN, RecordingHandler


@pytest.fixture
def handler() -> RecordingHandler:
    return RecordingHandler()


@pytest.fixture
def client(handler: RecordingHandler) -> FlaskClient:
    return create_receiver(handler, TokenAccess(TOKEN)).test_client()


def test_under_another_server_the_fixture_will_say_what_is_not_exact(
    client: FlaskClient, handler: RecordingHandler
) -> None:
    answer = client.post(OURS, data="status=delivered", headers={"X-Odd_name": "1"})

    assert (answer.status_code, answer.data) == (200, b"")
    assert "Content-Type" not in answer.headers
    assert handler.requests[0].captured.startswith("headers were merged")


def test_under_another_server_too_a_large_body_is_refused_with_an_empty_body(
    client: FlaskClient, handler: RecordingHandler
) -> None:
    answer = client.post(OURS, data=b"x" * 65537)

    assert (answer.status_code, answer.data) == (413, b"")
    assert handler.requests == []


@pytest.mark.parametrize("path", [CALLBACK_PATH, OURS])
@pytest.mark.parametrize("target", ["http:{}", "http://localhost{}", "{}?a=\t", "{}?a=\0"])
def test_under_another_server_too_the_target_must_be_a_path(
    client: FlaskClient, handler: RecordingHandler, path: str, target: str
) -> None:
    raw = {"REQUEST_URI": target.format(path), "RAW_URI": target.format(path)}

    for method in ("GET", "POST", "HEAD", "PUT"):
        answer = client.open(path, method=method, environ_overrides=raw)
        assert (answer.status_code, answer.data) == (404, b"")
    assert handler.kinds == ["refused"] * 4


def test_a_request_from_another_machine_is_not_local_whatever_its_headers(
    client: FlaskClient, handler: RecordingHandler
) -> None:
    answer = client.get(
        f"{CALLBACK_PATH}?status=delivered",
        headers={"Host": "localhost"},
        environ_base={"REMOTE_ADDR": "192.0.2.1"},
    )

    assert answer.status_code == 404
    assert handler.kinds == ["refused"]


def test_a_bug_in_the_handler_is_logged_and_not_shown_to_the_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(incoming: IncomingRequest) -> int:
        raise ZeroDivisionError("s3cret detail")

    answer = create_receiver(fail, TokenAccess(TOKEN)).test_client().get(f"{OURS}?status=delivered")

    assert (answer.status_code, answer.data) == (500, b"")
    assert "s3cret detail" in caplog.text
