"""The relay's engine loses room, memory, entries or its clock, or the team changes its key."""

import time
from pathlib import Path

import pytest

from reliability.conftest import Figures, Often
from reliability.disk import fill, small_file_system
from reliability.load import send_all, sending
from reliability.relay_senders import RelaySenders, wait_for_more
from reliability.relay_team import NOBODY, Team, team_in
from tests.support.dev_process import TIMEOUT
from tests.support.team_keys import NEW, OLD

MEMBERS = ("ada", "grace")


def catch_up_and_check(team: Team, *sent: RelaySenders) -> str:
    for who in MEMBERS:
        team.catch_up(who)
    return str(team.check(MEMBERS, *sent))


def test_the_engines_disk_is_full(tmp_path: Path, figures: Figures) -> None:
    """Redis with `appendfsync always` ends itself when it cannot write, and is started again by its supervisor."""
    with small_file_system(tmp_path / "disk", 4) as disk, team_in(disk) as team:
        # The projects and the receiver have room.
        team.root = tmp_path
        ballast = disk / "ballast"
        with team.receiver() as receiver:
            with sending(team.senders(receiver.port)) as senders:
                fill(ballast, room=64 * 1024)
                wait_for_more(senders, 100, 503)
                code = team.server.wait_for_end()
                ballast.unlink()
                team.server.start()
            assert receiver.process.stop() == 0
        kept = catch_up_and_check(team, senders)
    assert code == 1
    figures.note(f"relay, engine's disk full: {kept}")


def test_the_engine_is_out_of_memory(tmp_path: Path, often: Often, figures: Figures) -> None:
    with team_in(tmp_path) as team, team.receiver() as receiver:
        with sending(team.senders(receiver.port)) as senders, team.server.client as client:
            for _ in range(often(5, 1)):
                client.config_set("maxmemory", client.info("memory")["used_memory"])
                wait_for_more(senders, 50, 503)
                client.config_set("maxmemory", "200mb")
                wait_for_more(senders, 100)
        assert receiver.process.stop() == 0
        kept = catch_up_and_check(team, senders)
    errors = [event["error"] for event in receiver.process.events if event["event"] == "not_recorded"]
    assert {"maxmemory" in error for error in errors} == {True}
    figures.note(f"relay, engine out of memory: {kept}")


def test_entries_are_trimmed_behind_a_sleeping_follower(tmp_path: Path, figures: Figures) -> None:
    with team_in(tmp_path) as team, team.receiver() as receiver:
        before = send_all(team.senders(receiver.port, each=5))
        team.catch_up("ada")
        missed = send_all(team.senders(receiver.port, prefix="B", each=20))
        with team.server.client as client:
            client.xtrim(team.stream, maxlen=0, approximate=False)
        after = send_all(team.senders(receiver.port, prefix="C", each=5))
        last = team.catch_up("ada")
        kept = team.check(["ada"], before, after)
    (trimmed,) = [event for event in last.events if event.get("state") == "trimmed"]
    assert trimmed["since"] < trimmed["until"]
    assert [event for event in last.events if event.get("state") == "emptied"] == []
    figures.note(
        f"relay, trimmed: {len(missed.sent)} of a sleeping follower, reported with both times; {kept}"
    )


def test_the_stream_is_deleted_under_a_follower(tmp_path: Path, often: Often, figures: Figures) -> None:
    rounds, sent = often(5, 2), []
    with team_in(tmp_path) as team, team.receiver() as receiver, team.follower("ada") as follower:
        follower.wait_for("caught_up")
        for number in range(rounds):
            senders = send_all(team.senders(receiver.port, prefix=f"{number:X}", each=5))
            sent.append(senders)
            team.wait_until_read("ada")
            with team.server.client as client:
                client.delete(team.stream)
            if number % 2:  # else the next receipts come first
                follower.wait_for("relay", state="emptied")
        senders = send_all(team.senders(receiver.port, prefix="F", each=5))
        team.wait_until_read("ada")
        assert follower.stop() == 0
        kept = team.check(["ada"], *sent, senders)
    reported = sum(event.get("state") in ("emptied", "trimmed") for event in follower.events)
    assert reported == rounds
    figures.note(f"relay, stream deleted {rounds} times: reported {reported} times; {kept}")


@pytest.mark.parametrize("emptied", [False, True], ids=["kept", "and lost"])
def test_the_engines_clock_is_turned_back(tmp_path: Path, figures: Figures, emptied: bool) -> None:
    """An entry with an id of tomorrow is what an engine has whose clock was a day ahead."""
    with team_in(tmp_path) as team, team.receiver() as receiver, team.follower("ada") as follower:
        follower.wait_for("caught_up")
        before = send_all(team.senders(receiver.port, each=5))
        with team.server.client as client:
            (newest,) = client.xrevrange(team.stream, count=1)
            tomorrow = int(newest[0].partition(b"-")[0]) + 86_400_000
            client.execute_command("XSETID", team.stream, f"{tomorrow}-0")
            ahead = send_all(team.senders(receiver.port, prefix="B", each=5))
            assert client.xrevrange(team.stream, count=1)[0][0].startswith(b"%d-" % tomorrow)
            team.wait_until_read("ada")
            if emptied:
                client.delete(team.stream)  # its new entries have ids of today
        after = send_all(team.senders(receiver.port, prefix="C", each=5))
        if emptied:
            follower.wait_for("relay", state="emptied")
        wait_until_recorded(team, "ada", after)
        assert follower.stop() == 0
        kept = team.check(["ada"], before, ahead, after)
    how = "and the stream is lost" if emptied else "ids go on"
    figures.note(f"relay, clock back by a day, {how}: {kept}")


def wait_until_recorded(team: Team, who: str, senders: RelaySenders) -> None:
    mine = {each for each in senders.acknowledged if senders.sent[each.partition(".")[0]] in (who, NOBODY)}
    deadline = time.monotonic() + TIMEOUT
    while mine - team.attempts(who).keys():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_team_changes_its_key(tmp_path: Path, figures: Figures) -> None:
    with team_in(tmp_path, keys=OLD) as team:
        with team.receiver() as receiver:
            before = send_all(team.senders(receiver.port, each=5))
        team.catch_up("ada")
        team.keys = f"{NEW},{OLD}"
        with team.receiver() as receiver:
            after = send_all(team.senders(receiver.port, prefix="B", each=5))
        # A follower without the new key reports it, and reads on when it has the key.
        with team.follower("ada", keys=OLD) as follower:
            assert follower.finish() == 4, follower.describe()
        assert "is encrypted with the key" in follower.stderr
        team.catch_up("ada")
        team.catch_up("grace")
        kept = team.check(MEMBERS, before, after)
        # What the dropped key encrypted is erased.
        with team.follower("qa", keys=NEW) as follower:
            assert follower.finish() == 4
        assert team.attempts("qa") == {}
    figures.note(f"relay, key change: {kept}")
