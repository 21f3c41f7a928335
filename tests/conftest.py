"""What every test can use."""

import gc
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from devkit.fixture.store import Store
from devkit.session.project import Project, project_in
from tests.support.distribution import build, copy_checkout, install, unpack
from tests.support.live_account import account_with
from tests.support.loopback_only import loopback_only
from tests.support.redis_server import RedisServer, redis_server
from tests.support.settings_gateway import Gateway
from tests.support.simulator_client import Listener, listening

# A shared, busy machine makes slow examples; a test's verdict must not depend on time.
# `make reliability` tries many more examples than `make test`.
settings.register_profile(
    "devkit",
    max_examples=300 if os.environ.get("DEVKIT_LONG") else 30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("devkit")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    # It imports everything and makes thousands of tests, none of which is garbage. The search for garbage takes an
    # eighth of its time, in each process of `make test`.
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home directory without the files of the Vonage CLI."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, empty_home: Path) -> None:
    """The developer's own account and tunnel stay out of the tests."""
    monkeypatch.setenv("HOME", str(empty_home))
    for name in list(os.environ):
        if name.startswith(("VONAGE_", "NGROK_", "PYNGROK_", "DEVKIT_")):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def stay_on_this_machine(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that connects elsewhere fails, unless it is marked as live."""
    if request.node.get_closest_marker("live"):
        yield
        return
    with loopback_only():
        yield


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A directory that is ready for a session."""
    project = project_in(tmp_path)
    project.prepare()
    return project


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """The recordings and samples of a project, none so far."""
    store = Store(tmp_path / "fixtures")
    store.prepare()
    return store


@pytest.fixture
def former() -> Iterator[Listener]:
    """What an account's callback led to before a session."""
    with listening() as listener:
        yield listener


@pytest.fixture
def vonage(former: Listener) -> Iterator[Gateway]:
    """An account that has that callback."""
    with account_with(former.url) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A durable engine for the relay. All tests share it, each with an account of its own."""
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def checkout_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, with private files planted in it."""
    return copy_checkout(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="session")
def wheel(checkout_copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built once for all tests that look into it or install it."""
    pytest.importorskip("hatchling")
    return build(checkout_copy, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment into which pip has installed the wheel."""
    return install(tmp_path_factory.mktemp("environment"), str(wheel))


@pytest.fixture(scope="session")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with devkit unpacked from its wheel."""
    return unpack(wheel, tmp_path_factory.mktemp("site"))
