from pathlib import Path

import pytest

from tests.support.standin import install_standin


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    """The program of a stand-in for ngrok's agent."""
    return install_standin(tmp_path)
