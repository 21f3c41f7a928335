"""What sessions that were killed have left behind, and recordings that git would give away. Only looks."""

import shlex
from collections.abc import Iterator
from pathlib import Path

from devkit.doctor.case import Case
from devkit.doctor.check import Check, failed, ok, refused, skipped
from devkit.errors import ConfigurationError
from devkit.registration.journal import read_journal
from devkit.tracked import tracked_files
from devkit.tunnel.leftover import abandoned_record, is_running
from devkit.tunnel.process import Process


def leftover_checks(case: Case) -> Iterator[Check]:
    """The journal, orphaned agents, and tracked recordings."""
    yield _journal(case)
    yield _agents(case)
    yield _tracked(case)


def leftover_agents(private: Path) -> list[Process]:
    """The agents that still run although the session that started them is gone."""
    return [agent for home in sorted(private.glob("agent-*")) if (agent := _orphan_of(home))]


def _orphan_of(home: Path) -> Process | None:
    record = abandoned_record(home)
    if record and record.agent and is_running(record.agent, record.command):
        return record.agent
    return None


def _journal(case: Case) -> Check:
    try:
        journal = read_journal(case.project.journal)
    except ConfigurationError as error:
        return refused("journal", error)
    if journal is None:
        return ok("journal", "no former callback waits to be given back")
    if case.session and case.session.pid == journal.pid:
        return ok("journal", "the session that runs gives the former callback back at its end")
    return failed(
        "journal",
        f"a session that began at {journal.since} has not given the account's former callback back",
        "devkit restore",
    )


def _agents(case: Case) -> Check:
    orphans = leftover_agents(case.project.private)
    if not orphans:
        return ok("agents", "no ngrok agent of a killed session is left")
    pids = ", ".join(str(agent.pid) for agent in orphans)
    return failed(
        "agents", f"an ngrok agent of a killed session still runs: process {pids}", "devkit restore"
    )


def _tracked(case: Case) -> Check:
    places = {case.project.private: "secrets", case.store.recorded: "phone numbers"}
    try:
        tracked = {place: files for place in places if (files := tracked_files(place))}
    except ConfigurationError as error:
        return skipped("git", error.message, error.hint)
    for place, files in tracked.items():
        words = f"it tracks {len(files)} file(s) in {place}, where {places[place]} are"
        return failed("git", words, f"git rm -r --cached {shlex.quote(str(place))}")
    return ok("git", f"it tracks no file in {' and '.join(map(str, places))}")
