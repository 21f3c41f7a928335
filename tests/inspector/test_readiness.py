"""The URL that says whether the session takes receipts now."""

import http.client

import pytest

from devkit.events.relay import RelayChanged
from devkit.events.session import Ready, TunnelChanged
from tests.support.inspector_client import client
from tests.support.inspector_server import Recordings, running_inspector
from tests.support.raw_socket import DEADLINE

READY = Ready(
    mode="live",
    public_url="https://dlr.example.test",
    callback_url="https://dlr.example.test/webhooks/delivery-receipt/the-token",
    local_url="http://127.0.0.1:3000",
    inspector_url="http://127.0.0.1:3040",
    recorded="fixtures/recorded",
    pid=4711,
)


def ask(recordings: Recordings, **options: object) -> tuple[int, object]:
    response = client(recordings, **options).get("/ready")
    return response.status_code, response.get_json()


def test_a_session_that_starts_is_not_ready(recordings: Recordings) -> None:
    recordings.event_log.publish(TunnelChanged("installing", "", "downloading the ngrok agent"))

    assert ask(recordings) == (503, {"ready": False, "state": "starting", "mode": None})


def test_an_announced_session_is_ready_and_no_secret_is_shown(recordings: Recordings) -> None:
    recordings.event_log.publish(TunnelChanged("waiting", "", "trying once more"))
    recordings.event_log.publish(READY)

    assert ask(recordings) == (200, {"ready": True, "state": "ready", "mode": "live"})


@pytest.mark.parametrize("lost", [["lost"], ["lost", "reconnecting"], ["lost", "restarted"], ["failed"]])
def test_a_lost_tunnel_is_not_ready_until_it_is_restored(recordings: Recordings, lost: list[str]) -> None:
    recordings.event_log.publish(READY)
    for state in lost:
        recordings.event_log.publish(TunnelChanged(state, READY.public_url))

    during = ask(recordings)
    recordings.event_log.publish(TunnelChanged("restored", READY.public_url))

    assert during == (503, {"ready": False, "state": "tunnel lost", "mode": "live"})
    assert ask(recordings)[0] == 200


def test_a_lost_relay_is_not_ready_until_it_is_live_again(recordings: Recordings) -> None:
    recordings.event_log.publish(RelayChanged("live", "redis://127.0.0.1:6379", "ada"))
    recordings.event_log.publish(READY)
    before = ask(recordings)[0]
    recordings.event_log.publish(RelayChanged("reconnecting", "redis://127.0.0.1:6379", "ada"))
    during = ask(recordings)
    recordings.event_log.publish(RelayChanged("live", "redis://127.0.0.1:6379", "ada"))

    assert before == 200
    assert during == (503, {"ready": False, "state": "relay lost", "mode": "live"})
    assert ask(recordings)[0] == 200


def test_a_session_that_stops_is_not_ready(recordings: Recordings) -> None:
    recordings.event_log.publish(READY)

    answer = ask(recordings, stopping=lambda: True)

    assert answer == (503, {"ready": False, "state": "stopping", "mode": "live"})


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 200), ({"Host": "dlr.example.test"}, 403), ({"X-Forwarded-For": "192.0.2.1"}, 403)],
)
def test_only_this_machine_may_ask(recordings: Recordings, headers: dict[str, str], status: int) -> None:
    recordings.event_log.publish(READY)
    with running_inspector(recordings) as url:
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=DEADLINE)
        connection.request("GET", "/ready", headers=headers)
        found = connection.getresponse().status
        connection.close()

    assert found == status
