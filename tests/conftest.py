"""What every test can use."""

import os

import pytest
from hypothesis import HealthCheck, settings

# A shared, busy machine makes slow examples; a test's verdict must not depend on time.
settings.register_profile("devkit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("devkit")


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The developer's own account and tunnel stay out of the tests."""
    for name in list(os.environ):
        if name.startswith(("VONAGE_", "NGROK_", "PYNGROK_", "DEVKIT_")):
            monkeypatch.delenv(name)
