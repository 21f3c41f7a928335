"""The relay under SIGKILL: each 200 of its receivers is one file at its owner's, whatever process dies."""

import random
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from reliability.conftest import Figures, Often
from reliability.load import send_all, sending
from reliability.relay_senders import wait_for_more
from reliability.relay_team import team_in
from tests.support.raw_socket import closed_port

MEMBERS = ("ada", "grace")


def test_the_receiver_is_killed_under_16_senders(tmp_path: Path, often: Often, figures: Figures) -> None:
    rounds, moments = often(50, 3), random.Random(20261129)
    port = closed_port()
    with team_in(tmp_path) as team, ExitStack() as stack:
        for who in MEMBERS:
            stack.enter_context(team.follower(who)).wait_for("caught_up")
        with sending(team.senders(port)) as senders:
            for _ in range(rounds):
                with team.receiver(port) as receiver:
                    time.sleep(moments.uniform(0.05, 0.5))  # a random moment, not a wait for a condition
                    receiver.kill()
            last = stack.enter_context(team.receiver(port))
        assert last.process.stop() == 0
        team.wait_until_read(*MEMBERS)
        kept = team.check(MEMBERS, senders)
    figures.note(f"relay, receiver: {rounds} kills, {kept}")


def test_the_engine_is_killed_under_16_senders(tmp_path: Path, often: Often, figures: Figures) -> None:
    rounds, moments = often(20, 2), random.Random(20261130)
    with team_in(tmp_path) as team, ExitStack() as stack:
        followers = [stack.enter_context(team.follower(who)) for who in MEMBERS]
        for follower in followers:
            follower.wait_for("caught_up")
        receiver = stack.enter_context(team.receiver())
        with sending(team.senders(receiver.port)) as senders:
            for _ in range(rounds):
                wait_for_more(senders, 32)  # the receiver has connected again
                time.sleep(moments.uniform(0.02, 0.3))
                team.server.kill()
                time.sleep(moments.uniform(0.0, 0.1))
                team.server.start()
        team.wait_until_read(*MEMBERS)
        kept = team.check(MEMBERS, senders)
        for process in (receiver.process, *followers):
            assert process.stop() == 0, process.describe()
    lost = sum(event.get("state") == "reconnecting" for event in followers[0].events)
    assert lost
    figures.note(f"relay, engine: {rounds} kills, {kept}; a follower reconnected {lost} times")


def test_a_follower_is_killed_while_16_send(tmp_path: Path, often: Often, figures: Figures) -> None:
    rounds, moments = often(50, 3), random.Random(20261201)
    present = 0
    with team_in(tmp_path) as team, team.receiver() as receiver:
        with sending(team.senders(receiver.port)) as senders:
            for _ in range(rounds):
                with team.follower("ada") as follower:
                    follower.wait_for("relay", state="live")
                    time.sleep(moments.uniform(0.0, 0.3))
                    follower.process.kill()
        last = team.catch_up("ada")
        present = sum(event.get("present", 0) for event in last.events)
        kept = team.check(["ada"], senders)
    figures.note(
        f"relay, follower: {rounds} kills, {kept}; at the end {present} were read a second time, each still one file"
    )


@pytest.mark.parametrize("killed", [False, True], ids=["calm", "one receiver killed"])
def test_two_receivers_and_five_followers_of_which_one_joins_late(
    tmp_path: Path, often: Often, figures: Figures, killed: bool
) -> None:
    early, late = ("ada", "ci", "qa", "staging"), "grace"
    with team_in(tmp_path) as team, ExitStack() as stack:
        team.owners += ("ci",)
        team.choices.update(ci="--mine", staging="--all")
        for who in early:
            stack.enter_context(team.follower(who)).wait_for("caught_up")
        first, second = (stack.enter_context(team.receiver()) for _ in range(2))
        senders = team.senders(first.port, second.port, each=often(120, 20))
        with sending(senders):
            if killed:
                wait_for_more(senders, 80)
                first.kill()
        joined = stack.enter_context(team.follower(late)).wait_for("caught_up")
        again = send_all(team.senders(second.port, prefix="B", each=5))
        team.wait_until_read(*early, late)
        kept = team.check((*early, late), senders, again)
    assert joined["mine"] >= (senders.each or 0) * 4
    how = "one receiver killed" if killed else "nothing killed"
    figures.note(
        f"relay, two receivers, five followers, {how}: {kept}; the late one found {joined['receipts']} receipts"
    )
