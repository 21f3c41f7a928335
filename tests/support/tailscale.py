"""A stand-in for Tailscale's service on this machine: its list of funnels, and the public side of each port."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.support.standin import install_program
from tests.support.standin_edge import Edge, failure

NODE = "node.tailnet.ts.net"


class Tailscale:
    """program: the command. The service is the file that the command reads and writes."""

    def __init__(self, directory: Path) -> None:
        self.program = install_program(directory, "tailscale", "standin_tailscale.py")
        self.write(BackendState="Running", config={}, edges={}, refusal="", calls=[])

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(self._file.read_text())
        return state

    @property
    def config(self) -> dict[str, Any]:
        config: dict[str, Any] = self.state["config"]
        return config

    @property
    def ports(self) -> list[str]:
        """The public ports that have an entry."""
        return sorted(self.config.get("TCP", {}))

    def write(self, **changes: object) -> None:
        state = self.state if self._file.exists() else {}
        part = self._file.with_suffix(".test")
        part.write_text(json.dumps(state | changes))
        part.replace(self._file)

    def add_entry(self, port: int, target: str = "http://127.0.0.1:9") -> None:
        """As another program does. It replaces an entry of that port."""
        config, name = self.config, f"{NODE}:{port}"
        config.setdefault("TCP", {})[str(port)] = {"HTTPS": True}
        config.setdefault("Web", {})[name] = {"Handlers": {"/": {"Proxy": target}}}
        config.setdefault("AllowFunnel", {})[name] = True
        self.write(config=config)

    @property
    def _file(self) -> Path:
        return self.program.with_name("tailscale.state.json")


class _Ingress:
    """The public side of one port: what tailscaled adds to each request, ipn/ipnlocal/serve.go of its source."""

    tunnel = "tailscale"

    def __init__(self, service: Tailscale, port: int) -> None:
        self._service, self._port = service, port

    def count_request(self) -> None:
        pass

    def log(self, *args: object, **fields: object) -> None:
        pass

    def refusal(self) -> bytes | None:
        return None if self.target() else failure(502, 0, "no funnel")

    def target(self) -> str:
        servers = self._service.config.get("Web", {})
        handlers = servers.get(f"{NODE}:{self._port}", {}).get("Handlers", {})
        return str(handlers.get("/", {}).get("Proxy", ""))


@contextmanager
def tailscale_service(directory: Path) -> Iterator[Tailscale]:
    """A service with a public side for each port that Funnel has; none has an entry."""
    service = Tailscale(directory)
    with ExitStack() as stack:
        edges = {}
        for port in (443, 8443, 10000):
            edge = stack.enter_context(Edge(ingress := _Ingress(service, port), ingress.target))
            threading.Thread(target=edge.serve_forever, args=(0.01,), daemon=True).start()
            stack.callback(edge.shutdown)
            edges[str(port)] = f"http://127.0.0.1:{edge.server_address[1]}"
        service.write(edges=edges)
        yield service
