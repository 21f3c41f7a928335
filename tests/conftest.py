"""What every test can use."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.distribution import build, copy_checkout, unpack

# A shared, busy machine makes slow examples; a test's verdict must not depend on time.
settings.register_profile("devkit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("devkit")


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own account and tunnel stay out of the tests."""
    for name in list(os.environ):
        if name.startswith(("VONAGE_", "NGROK_", "PYNGROK_", "DEVKIT_")):
            monkeypatch.delenv(name)


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
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with devkit unpacked from its wheel."""
    return unpack(wheel, tmp_path_factory.mktemp("site"))
