"""A network between the relay's receiver, its engine and its followers that cuts, delays, swallows and holds."""

from contextlib import ExitStack
from pathlib import Path
from typing import get_args

import pytest

from devkit.relay.engine import GROUP_SECONDS
from reliability.conftest import Figures, Often
from reliability.engine_proxy import EngineProxy, Fault, engine_proxy
from reliability.load import send_all, sending
from reliability.relay_senders import wait_for_more
from reliability.relay_team import team_in
from tests.support.dev_process import TIMEOUT

MEMBERS = ("ada", "grace")


@pytest.mark.parametrize("fault", get_args(Fault))
def test_a_group_loses_its_request_or_its_answer(
    tmp_path: Path, often: Often, figures: Figures, fault: Fault
) -> None:
    rounds = often(8, 1)
    with team_in(tmp_path) as team, engine_proxy(team.server.port) as proxy:
        with team.receiver(url=proxy.url) as receiver:
            with sending(team.senders(receiver.port, pause=0.01)) as senders:
                for _ in range(rounds):
                    wait_for_more(senders, 200)  # the receiver has connected again
                    meet(proxy, fault)
            assert receiver.process.stop() == 0
        for who in MEMBERS:
            team.catch_up(who)
        kept = team.check(MEMBERS, senders)
    assert senders.answers[503] >= rounds
    assert kept.twice >= (0 if fault == "cut request" else rounds)
    assert kept.twice == 0 or fault != "cut request"
    figures.note(f"relay, {fault}: {rounds} times, {kept}")


def meet(proxy: EngineProxy, fault: Fault) -> None:
    proxy.arm(fault)
    assert proxy.met.wait(TIMEOUT)


@pytest.mark.parametrize("delay", [0.05, GROUP_SECONDS + 0.5], ids=["slow", "too slow"])
def test_an_engine_far_away(tmp_path: Path, often: Often, figures: Figures, delay: float) -> None:
    with team_in(tmp_path) as team, engine_proxy(team.server.port) as proxy:
        with team.receiver(url=proxy.url) as receiver:
            is_slow = delay < GROUP_SECONDS
            with sending(team.senders(receiver.port, each=often(20, 5) if is_slow else 2)) as senders:
                proxy.delay = delay
                if not is_slow:
                    wait_for_more(senders, 1, 503)
                    proxy.delay = 0
        for who in MEMBERS:
            team.catch_up(who)
        kept = team.check(MEMBERS, senders)
    assert is_slow == (senders.answers[503] == 0)
    assert senders.slowest < GROUP_SECONDS + 2
    figures.note(f"relay, each packet {delay:g} s late: {kept}; slowest answer {senders.slowest:.1f} s")


def test_the_engine_is_frozen_while_receipts_come(tmp_path: Path, often: Often, figures: Figures) -> None:
    rounds = often(3, 1)
    with team_in(tmp_path) as team, ExitStack() as stack:
        followers = [stack.enter_context(team.follower(who)) for who in MEMBERS]
        receiver = stack.enter_context(team.receiver())
        with sending(team.senders(receiver.port)) as senders:
            for _ in range(rounds):
                team.server.freeze()
                wait_for_more(senders, 100, 503)  # one group waits, the others are refused at once
                team.server.thaw()
                wait_for_more(senders, 100)
        team.wait_until_read(*MEMBERS)
        kept = team.check(MEMBERS, senders)
        for process in (receiver.process, *followers):
            assert process.stop() == 0, process.describe()
    assert GROUP_SECONDS - 0.5 < senders.slowest < GROUP_SECONDS + 2
    figures.note(f"relay, engine frozen {rounds} times: {kept}; slowest answer {senders.slowest:.1f} s")


def test_a_followers_connection_is_half_open(tmp_path: Path, figures: Figures) -> None:
    with (
        team_in(tmp_path) as team,
        engine_proxy(team.server.port) as proxy,
        team.receiver() as receiver,
        team.follower("ada", url=proxy.url) as follower,
    ):
        follower.wait_for("caught_up")
        proxy.hold()
        senders = send_all(team.senders(receiver.port, each=5))
        lost = follower.wait_for("relay", state="reconnecting")
        assert team.attempts("ada") == {}
        proxy.release()
        follower.wait_for("relay", state="live")
        caught_up = follower.wait_for("caught_up")
        team.wait_until_read("ada")
        assert follower.stop() == 0
        kept = team.check(["ada"], senders)
    assert "Timeout" in lost["detail"]
    figures.note(f"relay, half-open: reported after 10 s, then {caught_up['receipts']} caught up; {kept}")
