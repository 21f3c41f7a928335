import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.testing import deliver, deliver_all, load_all, make_receipt, make_status

STATUSES = ("accepted", "buffered", "delivered")


def series(*seconds: float):
    """Receipts that were recorded so many seconds after the first."""
    receipts = [
        make_receipt(STATUSES[number % 3], message_id=f"{number:X}") for number in range(len(seconds))
    ]
    return [
        replace(receipt, recorded_at=receipt.recorded_at + timedelta(seconds=after))
        for receipt, after in zip(receipts, seconds, strict=True)
    ]


def delivered(receipts, **options):
    """The message ids in the order in which they arrived."""
    found = []
    deliver_all(receipts, lambda fields: found.append(fields["messageId"]), **options)
    return found


def test_receipts_arrive_as_they_are_given():
    assert delivered(series(0, 5, 3)) == ["0", "1", "2"]


def test_reversed_is_the_other_way_round():
    assert delivered(series(0, 5, 3), order="reversed") == ["2", "1", "0"]


def test_duplicates_follow_at_once():
    assert delivered(series(0, 1), duplicate=3) == ["0", "0", "0", "1", "1", "1"]
    assert delivered(series(0, 1), duplicate=1) == ["0", "1"]


def test_duplicate_below_1_is_refused():
    with pytest.raises(ValueError, match="duplicate=0 is below 1; 1 sends each receipt once"):
        delivered(series(0), duplicate=0)


@given(st.integers(), st.integers(0, 12))
def test_shuffle_is_a_permutation_that_the_seed_decides(seed, count):
    receipts = series(*range(count))

    once = delivered(receipts, order="shuffle", seed=seed)

    assert Counter(once) == Counter(delivered(receipts))
    assert once == delivered(receipts, order="shuffle", seed=seed)


def test_seeds_differ():
    receipts = series(*range(9))

    assert len({tuple(delivered(receipts, order="shuffle", seed=seed)) for seed in range(5)}) > 1


def test_unknown_order_is_refused():
    with pytest.raises(ValueError, match="order='random' is none of recorded, reversed, shuffle"):
        delivered(series(0), order="random")


@pytest.mark.parametrize(("speed", "waits"), [(1, [5, 2]), (10, [0.5, 0.2])])
def test_speed_keeps_the_recorded_rhythm(speed, waits):
    slept: list[float] = []

    delivered(series(0, 5, 3, 5), speed=speed, duplicate=2, sleep=slept.append)

    assert slept == pytest.approx(waits)


def test_there_are_no_waits_by_default():
    slept: list[float] = []

    delivered(series(0, 5, 500), sleep=slept.append)

    assert slept == []


def test_responses_are_in_the_order_of_delivery():
    answers = deliver_all(series(0, 1, 2), lambda fields: 200 + int(fields["messageId"]), order="reversed")

    assert [answer.status_code for answer in answers] == [202, 201, 200]


def test_sample_sequence_can_be_delivered():
    statuses = []

    deliver_all(load_all("sequence/out-of-order"), lambda fields: statuses.append(fields["status"]))

    assert statuses == ["delivered", "accepted"]


def test_importing_brings_in_no_framework():
    foreign = (
        "pytest",
        "flask",
        "werkzeug",
        "requests",
        "vonage",
        "pyngrok",
        "rich",
        "click",
        "waitress",
        "responses",
    )
    code = f"import sys, devkit.testing; print([name for name in {foreign} if name in sys.modules])"

    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert run.stdout == "[]\n"


def test_the_secret_of_a_recorded_callback_path_is_in_nothing_that_is_delivered():
    receipt, arrived = make_receipt(), []
    target = f"/webhooks/delivery-receipt/s3cr3t?{receipt.callback.query}"
    callback = replace(receipt.callback, target=target, headers=(("X-Original-URI", target),))

    def app(environ, start_response):
        arrived.append((environ["PATH_INFO"], environ["HTTP_X_ORIGINAL_URI"]))
        start_response("200 OK", [])
        return [b""]

    deliver(replace(receipt, callback=callback), app)

    path = "/webhooks/delivery-receipt"
    assert arrived == [(path, target.replace("/s3cr3t", ""))]


def test_a_function_of_the_fields_takes_statuses() -> None:
    taken: list[dict[str, object]] = []

    assert deliver(make_status("read"), taken.append).ok
    assert taken[0]["status"] == "read"
