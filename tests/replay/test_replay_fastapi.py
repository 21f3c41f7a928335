"""All samples, replayed at a FastAPI application: its server hangs up after an exception, unannounced."""

import json
from collections import Counter
from pathlib import Path

import pytest
from starlette.background import BackgroundTask

from tests.support.asgi_server import Application, asgi_server
from tests.support.command import ROOT, run

FILES = sorted((ROOT / "fixtures" / "samples").rglob("*.json"))


def replay(directory: Path, application: Application, *options: str) -> list[dict[str, object]]:
    with asgi_server(application) as url:
        result = run(directory, "replay", *map(str, FILES), "--to", url, "--json", *options)
    assert result.code == 1, result.err  # some were answered with 500
    *outcomes, summary = map(json.loads, result.out)
    assert summary["event"] == "summary"
    return outcomes


def test_every_receipt_arrives_once_and_its_status_is_reported(tmp_path: Path) -> None:
    application = Application()

    outcomes = replay(tmp_path, application)

    statuses = [status for _, _, status in application.answers]
    assert len(outcomes) == len(FILES)
    assert [each["answer"] for each in outcomes] == statuses
    assert {200, 202, 204, 422, 500} <= set(statuses)
    assert not any(each["sent_again"] for each in outcomes)


@pytest.mark.parametrize("jobs", ["4", "16"])
def test_over_several_connections_too(tmp_path: Path, jobs: str) -> None:
    one_by_one, at_once = Application(), Application()

    expected = replay(tmp_path, one_by_one)
    outcomes = replay(tmp_path, at_once, "--jobs", jobs)

    assert Counter(at_once.answers) == Counter(one_by_one.answers)
    assert {each["file"]: each["answer"] for each in outcomes} == {
        each["file"]: each["answer"] for each in expected
    }


def test_a_background_task_that_raises_after_the_response_loses_no_receipt(tmp_path: Path) -> None:
    """uvicorn closes the connection then too, after a 200, and perhaps while it handles the next request."""

    def raises() -> None:
        raise LookupError

    application = Application(BackgroundTask(raises))

    outcomes = replay(tmp_path, application)

    expected = Application()
    assert [each["answer"] for each in outcomes] == [each["answer"] for each in replay(tmp_path, expected)]
    arrived, once = Counter(application.answers), Counter(expected.answers)
    assert set(arrived) == set(once)
    assert (arrived - once).total() <= sum(map(bool, (each["sent_again"] for each in outcomes)))
