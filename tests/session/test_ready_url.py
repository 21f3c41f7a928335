"""The readiness URL of a real session, asked at each of its steps."""

import http.client
import json
from pathlib import Path

from devkit.events import Event
from devkit.session.run import SessionOptions, run
from devkit.session.settings import Settings
from devkit.session.signals import Shutdown
from tests.support.raw_socket import DEADLINE, closed_port


def test_it_is_200_only_between_the_ready_line_and_the_stop(tmp_path: Path) -> None:
    port, stop = closed_port(), Shutdown()
    answers: dict[str, tuple[int, dict[str, object]]] = {}

    def publish(event: Event) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
        if event.name in ("registered", "ready", "restored"):
            connection.request("GET", "/ready")
            response = connection.getresponse()
            answers[event.name] = response.status, json.loads(response.read())
        connection.close()
        if event.name == "ready":
            stop.request()

    settings = Settings(offline=True, port=0, inspector_port=port, fixtures=tmp_path / "fixtures")
    run(settings, SessionOptions(demo=None), tmp_path, publish, stop, lambda _: False)

    assert answers == {
        "registered": (503, {"ready": False, "state": "starting", "mode": None}),
        "ready": (200, {"ready": True, "state": "ready", "mode": "offline"}),
        "restored": (503, {"ready": False, "state": "stopping", "mode": "offline"}),
    }
