import pytest
from flask.testing import FlaskClient

from devkit.receiver.app import IncomingRequest, create_receiver
from devkit.webhook.callback import CALLBACK_PATH
from tests.support.application import OURS, TOKEN, Taker


@pytest.fixture
def taker() -> Taker:
    return Taker()


@pytest.fixture
def client(taker: Taker) -> FlaskClient:
    return create_receiver(taker, token=TOKEN).test_client()


def test_under_another_server_the_fixture_will_say_what_is_not_exact(
    client: FlaskClient, taker: Taker
) -> None:
    answer = client.post(OURS, data="status=delivered", headers={"X-Odd_name": "1"})

    assert (answer.status_code, answer.data) == (200, b"")
    assert "Content-Type" not in answer.headers
    assert taker.arrivals[0].captured.startswith("headers were merged")


def test_under_another_server_too_a_large_body_is_refused_without_words(
    client: FlaskClient, taker: Taker
) -> None:
    answer = client.post(OURS, data=b"x" * 65537)

    assert (answer.status_code, answer.data) == (413, b"")
    assert taker.arrivals == []


@pytest.mark.parametrize("path", [CALLBACK_PATH, OURS])
@pytest.mark.parametrize("target", ["http:{}", "http://localhost{}", "{}?a=\t", "{}?a=\0"])
def test_under_another_server_too_the_target_must_be_a_path(
    client: FlaskClient, taker: Taker, path: str, target: str
) -> None:
    raw = {"REQUEST_URI": target.format(path), "RAW_URI": target.format(path)}

    for method in ("GET", "POST", "HEAD", "PUT"):
        answer = client.open(path, method=method, environ_overrides=raw)
        assert (answer.status_code, answer.data) == (404, b"")
    assert taker.kinds == ["refused"] * 4


def test_a_caller_on_another_machine_is_not_local_whatever_it_says(client: FlaskClient, taker: Taker) -> None:
    answer = client.get(
        f"{CALLBACK_PATH}?status=delivered",
        headers={"Host": "localhost"},
        environ_base={"REMOTE_ADDR": "192.0.2.1"},
    )

    assert answer.status_code == 404
    assert taker.kinds == ["refused"]


def test_a_mistake_in_the_taker_is_told_to_the_log_and_not_to_the_sender(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def take(arrival: IncomingRequest) -> int:
        raise ZeroDivisionError("s3cret detail")

    answer = create_receiver(take, token=TOKEN).test_client().get(f"{OURS}?status=delivered")

    assert (answer.status_code, answer.data) == (500, b"")
    assert "s3cret detail" in caplog.text
