"""Funnels of a stand-in for Tailscale: ours comes and goes, those of others stay."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from devkit.errors import TunnelError
from devkit.tunnel.orphans import end_orphans, find_orphans
from devkit.tunnel.supervision import Backoff
from devkit.tunnel.tailscale import FUNNEL_RECORD, Funnel, tailscale_tunnel
from devkit.tunnel.types import Tunnel
from tests.support.event_recorder import EventRecorder
from tests.support.tailscale import Tailscale, tailscale_service

LOCAL = "http://127.0.0.1:9"
QUICK = Backoff(poll=0.01, retry=0.01, restarts=(0.0, 0.01))
RECORD = "funnel.json"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Tailscale]:
    (tmp_path / "private").mkdir()
    with tailscale_service(tmp_path) as service:
        yield service


def private_of(service: Tailscale) -> Path:
    return service.program.parent / "private"


def opened(service: Tailscale, recorder: EventRecorder | None = None) -> AbstractContextManager[Tunnel]:
    return tailscale_tunnel(
        private_of(service),
        service.program,
        notify=recorder or EventRecorder(),
        stopping=lambda: False,
        backoff=QUICK,
    )(LOCAL)


def refusal(service: Tailscale) -> TunnelError:
    with pytest.raises(TunnelError) as caught, opened(service):
        pass
    assert list(private_of(service).iterdir()) == []
    assert service.ports == []
    return caught.value


def test_our_entry_is_added_recorded_and_removed(service: Tailscale) -> None:
    with opened(service) as tunnel:
        config = service.config
        assert find_orphans(private_of(service)) == ["the funnel on port 443"]  # if it were killed now

    assert tunnel.public_url == service.state["edges"]["443"]
    assert config["Web"] == {"node.tailnet.ts.net:443": {"Handlers": {"/": {"Proxy": LOCAL}}}}
    assert ["--bg", "--https=443", "9"] in service.state["calls"]
    assert service.ports == []
    assert list(private_of(service).iterdir()) == []


def test_entries_of_others_stay_and_the_next_port_is_taken(service: Tailscale) -> None:
    service.add_entry(443)  # to the same target, but not by us
    before = service.config

    with opened(service) as tunnel:
        assert service.ports == ["443", "8443"]

    assert tunnel.public_url == service.state["edges"]["8443"]
    assert service.config == before


def test_a_port_of_a_command_in_the_foreground_is_in_use_too(service: Tailscale) -> None:
    service.write(config={"Foreground": {"0123": {"TCP": {"443": {"HTTPS": True}}}}})

    with opened(service):
        assert service.ports == ["8443"]


def test_a_port_that_the_policy_forbids_is_passed_over(service: Tailscale) -> None:
    service.write(forbidden=["443", "8443"])

    with opened(service) as tunnel:
        assert tunnel.public_url == service.state["edges"]["10000"]


def test_without_a_port_it_explains(service: Tailscale) -> None:
    for port in (443, 8443, 10000):
        service.add_entry(port)
    before = service.config

    with (
        pytest.raises(TunnelError, match="Funnel has no port for devkit: of 443, 8443, 10000") as caught,
        opened(service),
    ):
        pass

    assert "tailscale funnel status" in caught.value.hint
    assert service.config == before


@pytest.mark.parametrize(
    ("state", "message", "hint"),
    [
        ("NeedsLogin", "Tailscale is not logged in on this machine", "sudo tailscale up"),
        ("Stopped", "Tailscale is switched off on this machine", "sudo tailscale up"),
    ],
)
def test_a_machine_that_is_not_logged_in_is_told(
    service: Tailscale, state: str, message: str, hint: str
) -> None:
    service.write(BackendState=state)

    error = refusal(service)

    assert error.message == message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("answer", "message", "hint"),
    [
        (
            "policy",
            "the policy of your tailnet does not allow Funnel here",
            "https://tailscale.com/s/no-funnel",
        ),
        (
            "enable",
            "the policy of your tailnet does not allow Funnel here",
            "https://login.tailscale.com/f/funnel?node=",
        ),
        ("operator", "Tailscale does not let this user open a funnel", "sudo tailscale set --operator=$USER"),
        ("odd", "tailscale refused: error: [31mthe moon is full", "--tunnel cloudflared"),
    ],
)
def test_a_refusal_says_what_to_type(service: Tailscale, answer: str, message: str, hint: str) -> None:
    service.write(refusal=answer)

    error = refusal(service)

    assert error.message == message
    assert hint in error.hint


def test_a_service_that_does_not_run_is_told(service: Tailscale) -> None:
    service.write(BackendState="down")

    with pytest.raises(TunnelError) as caught, opened(service):
        pass

    assert caught.value.message == "Tailscale does not run on this machine"
    assert "systemctl start tailscaled" in caught.value.hint


def test_an_entry_that_somebody_removed_is_added_again_where_there_is_room(service: Tailscale) -> None:
    recorder = EventRecorder()

    with opened(service, recorder) as tunnel:
        service.add_entry(443, "http://127.0.0.1:7")
        event = recorder.wait_for_states("lost", "restarted")
        others = service.config["Web"]["node.tailnet.ts.net:443"]

    assert recorder.tunnel_events[0].detail == "another program removed the funnel from port 443"
    assert event.public_url == service.state["edges"]["8443"] != tunnel.public_url
    assert others == {"Handlers": {"/": {"Proxy": "http://127.0.0.1:7"}}}
    assert service.ports == ["443"]


def test_a_service_that_stops_is_a_lost_connection(service: Tailscale) -> None:
    recorder = EventRecorder()

    with opened(service, recorder):
        service.write(BackendState="down")
        recorder.wait_for_states("lost")
        service.write(BackendState="Running")
        recorder.wait_for_states("lost", "restored")


def test_an_entry_of_a_killed_session_is_removed_only_while_it_is_ours(service: Tailscale) -> None:
    private = private_of(service)
    service.add_entry(443, LOCAL)
    service.add_entry(8443, LOCAL)
    FUNNEL_RECORD.write(private, Funnel(str(service.program), 443, LOCAL))
    assert find_orphans(private) == ["the funnel on port 443"]

    assert end_orphans(private) == ["the funnel on port 443"]
    assert service.ports == ["8443"]

    FUNNEL_RECORD.write(private, Funnel(str(service.program), 8443, "http://127.0.0.1:7"))
    assert end_orphans(private) == []
    assert service.ports == ["8443"]
    assert find_orphans(private) == []


def test_an_entry_that_cannot_be_removed_stays_recorded(service: Tailscale) -> None:
    private = private_of(service)
    FUNNEL_RECORD.write(private, Funnel(str(service.program), 443, LOCAL))
    service.write(BackendState="down")

    with pytest.raises(
        TunnelError, match="port 443 could not be switched off: Tailscale does not run"
    ) as caught:
        end_orphans(private)

    assert "tailscale funnel --https=443 --set-path=/ off" in caught.value.hint
    assert find_orphans(private) == ["the funnel on port 443"]


def test_another_path_that_somebody_added_to_our_port_stays(service: Tailscale) -> None:
    name, theirs = "node.tailnet.ts.net:443", {"Proxy": "http://127.0.0.1:7"}

    with opened(service):
        config = service.config
        config["Web"][name]["Handlers"]["/theirs"] = theirs
        service.write(config=config)

    assert service.config["Web"] == {name: {"Handlers": {"/theirs": theirs}}}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"program": "/bin/sh", "port": "443", "target": ""}'])
def test_a_record_that_is_not_ours_switches_nothing_off(service: Tailscale, text: str) -> None:
    (private_of(service) / RECORD).write_text(text)

    assert end_orphans(private_of(service)) == []

    assert service.state["calls"] == []
