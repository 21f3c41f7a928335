"""One simulator for the tests of a module, as new for each of them, and a callback URL."""

import pytest

from devkit.simulator import run_simulator
from tests.support.simulator_client import JUMPING, listening


@pytest.fixture(scope="module")
def options():
    return JUMPING


@pytest.fixture(scope="module")
def running(options):
    occurrences = []
    with run_simulator(options, watch=occurrences.append) as simulator:
        simulator.seen = occurrences
        yield simulator


@pytest.fixture
def simulator(running):
    running.reset()
    running.seen.clear()
    return running


@pytest.fixture
def listener():
    with listening() as running:
        yield running
