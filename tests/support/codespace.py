"""A stand-in for a GitHub codespace: its command `gh`, who may use its ports, and the public side of one port."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.proxy import connect_proxy, https_server
from tests.support.recording_server import Response
from tests.support.standin import install_program

NAME = "fluffy-space-disco-0abcdef1234567"  # as long as real ones
DOMAIN = "app.example.test"


class Gh:
    """The command, in a directory. GitHub is the file that it reads and writes."""

    def __init__(self, directory: Path) -> None:
        self.program = install_program(directory, "gh", "standin_gh.py")
        self.write({"3040": "org", "3000": "private"})

    def write(self, ports: dict[str, str], *, refuses: bool = False) -> None:
        """ports: the visibility of each. Forgets the calls."""
        self._file.write_text(json.dumps({"ports": ports, "refuses": refuses, "calls": []}))

    def visibility(self, port: int) -> str:
        return str(self._state["ports"].get(str(port), "private"))

    @property
    def changes(self) -> list[list[str]]:
        calls: list[list[str]] = self._state["calls"]
        return calls

    @property
    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self._file.read_text())
        return state

    @property
    def _file(self) -> Path:
        return self.program.with_name("gh.state.json")


@contextmanager
def public_side(gh: Gh, port: int) -> Iterator[dict[str, str]]:
    """The https server of a port; gives the settings that lead a program to it.

    Who may not use the port is sent to a login. That it is a redirect is assumed: nothing of it is documented.
    """
    authority = gh.program.with_name("codespace-ca.pem")
    with (
        https_server(f"{NAME}-{port}.{DOMAIN}", authority, port) as server,
        connect_proxy(server.place) as proxy,
    ):
        lead_on = server.respond
        server.respond = lambda request: (
            lead_on(request) if gh.visibility(port) == "public" else Response(302)
        )
        yield {
            "CODESPACE_NAME": NAME,
            "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": DOMAIN,
            "HTTPS_PROXY": proxy.url,
            "REQUESTS_CA_BUNDLE": str(authority),
        }
