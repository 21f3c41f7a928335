"""The parts of the simulator that need no platform: retries, clock, schedule, connections, throttle."""

import math
import subprocess
import sys
import threading
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.simulator.options import POLICIES, is_success
from devkit.simulator.outcomes import network
from devkit.simulator.scheduler import Clock, Schedule
from devkit.simulator.state import Throttle

DEADLINE = 10.0


@given(st.data())
def test_a_retry_policy_ends_and_never_repeats_a_success(data):
    policy = data.draw(st.sampled_from(list(POLICIES.values())))
    answer = data.draw(st.none() | st.integers(100, 599))
    attempts, age = data.draw(st.integers(1, 5000)), data.draw(st.floats(0, 3e5))

    delay = policy.next_delay(answer, attempts, age)

    # The sandbox guide: anything but 200 is pushed again.
    success = answer == 200 if policy is POLICIES["sandbox"] else answer is not None and is_success(answer)
    if success:
        assert delay is None
    if delay is not None:
        assert 5 <= delay <= 900
        assert age + delay <= policy.lifetime


@pytest.mark.parametrize(
    ("number", "code"),
    [("447700900000", "23410"), ("12025550123", "310004"), ("353200000000", "27201"), ("99", "99999")],
)
def test_a_number_has_the_network_of_its_longest_prefix(number, code):
    assert network(number).code == code


class Timer:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


def test_a_clock_runs_at_its_speed_from_its_start():
    timer = Timer()
    clock = Clock(60, start=1000, timer=timer)

    timer.seconds = 2
    assert clock.now() == 1120
    assert clock.real_seconds_until(1180) == 1
    assert clock.real_seconds_until(1000) == 0


def test_a_change_of_speed_does_not_change_the_time():
    timer = Timer()
    clock = Clock(60, start=1000, timer=timer)
    timer.seconds = 1

    clock.change_speed(1)
    assert clock.now() == 1060
    clock.change_speed(math.inf)
    timer.seconds = 100
    assert clock.now() == 1060
    clock.jump(5000)
    clock.change_speed(2)
    timer.seconds = 101
    assert clock.now() == 5002


def test_a_clock_never_jumps_back_nor_when_it_runs():
    jumping, running = Clock(math.inf, start=1000), Clock(1, start=1000, timer=Timer())

    jumping.jump(500)
    running.jump(5000)

    assert (jumping.now(), running.now()) == (1000, 1000)


@given(st.lists(st.integers(0, 20), max_size=30))
def test_actions_run_once_each_in_the_order_of_their_moments(delays):
    ran: list[tuple[int, int]] = []
    clock = Clock(math.inf, start=0)
    with Schedule(clock, threads=1) as schedule:
        gate = threading.Event()
        schedule.at(0, lambda: gate.wait(DEADLINE))
        for number, delay in enumerate(delays):
            schedule.at(delay, partial(ran.append, (delay, number)))
        gate.set()
        assert schedule.wait_idle(DEADLINE)

    assert ran == sorted((delay, number) for number, delay in enumerate(delays))


def test_a_jumping_clock_waits_for_running_actions():
    moments = []
    jumped = threading.Event()
    clock = Clock(math.inf, start=0)
    with Schedule(clock, threads=4) as schedule:

        def jump():
            jumped.set()
            moments.append(clock.now())

        def first():
            schedule.at(100, jump)
            assert not jumped.wait(0.1)
            schedule.at(10, lambda: moments.append(clock.now()))

        schedule.at(0, first)
        assert schedule.wait_idle(DEADLINE)

    assert moments == [10, 100]


def test_actions_of_one_moment_run_side_by_side():
    together = threading.Barrier(3, timeout=DEADLINE)
    with Schedule(Clock(math.inf), threads=3) as schedule:
        for _ in range(3):
            schedule.at(0, together.wait)
        assert schedule.wait_idle(DEADLINE)

    assert not together.broken


def test_an_action_that_fails_does_not_stop_the_others(caplog):
    ran = threading.Event()

    def fail():
        raise ZeroDivisionError

    with Schedule(Clock(math.inf, start=0), threads=1) as schedule:
        schedule.at(0, fail)
        schedule.at(1, ran.set)
        assert schedule.wait_idle(DEADLINE)

    assert ran.is_set()
    assert "ZeroDivisionError" in caplog.text


def test_a_schedule_is_not_idle_while_something_is_due():
    with Schedule(Clock(1), threads=1) as schedule:
        schedule.at(schedule._clock.now() + 1000, lambda: None)

        assert not schedule.wait_idle(0)
        schedule.clear()
        assert schedule.wait_idle(0)


def test_a_throttle_allows_calls_up_to_the_rate():
    timer = Timer()
    throttle = Throttle(timer)

    assert [throttle.wait(2) for _ in range(2)] == [0, 0]
    timer.seconds = 0.3
    assert throttle.wait(2) == 700
    timer.seconds = 1.0
    assert [throttle.wait(2) for _ in range(3)] == [0, 0, 1000]


def test_a_throttle_without_a_rate_allows_all_calls():
    throttle = Throttle(Timer())

    assert {throttle.wait(0) for _ in range(100)} == {0}


def test_the_package_is_imported_without_a_web_framework():
    code = "import sys, devkit.simulator; print({'flask', 'waitress', 'requests'} & sys.modules.keys())"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"
