"""One simulator for the tests of a module, as new for each of them, and a callback URL."""

import pytest

from devkit.simulator import run_simulator
from tests.support.simulator_client import JUMPING, listening


@pytest.fixture(scope="module")
def options():
    return JUMPING


@pytest.fixture(scope="module")
def watched():
    """What the simulator of the module has reported."""
    return []


@pytest.fixture(scope="module")
def running(options, watched):
    with run_simulator(options, watch=watched.append) as simulator:
        yield simulator


@pytest.fixture
def simulator(running, watched):
    running.reset()
    watched.clear()
    return running


@pytest.fixture
def occurrences(simulator, watched):
    """What the simulator has reported in this test."""
    return watched


@pytest.fixture
def listener():
    with listening() as running:
        yield running
