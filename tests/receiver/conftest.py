from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devkit.events import Publish
from devkit.fixture.response_log import ResponseLog
from devkit.http.address import parse_address
from devkit.receiver.forward import Forwarder
from tests.support.forwarding import NOW, MakeForwarder
from tests.support.simulator_client import Listener, listening


@pytest.fixture
def forwarder_to(tmp_path: Path) -> MakeForwarder:
    """Makes a forwarder to a URL, with a log in `tmp_path`."""

    def make(url: str, publish: Publish, **options: Any) -> Forwarder:
        return Forwarder(parse_address(url), publish, ResponseLog(tmp_path, url, lambda: NOW), **options)

    return make


@pytest.fixture
def app() -> Iterator[Listener]:
    """The developer's application."""
    with listening() as running:
        yield running
