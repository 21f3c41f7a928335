"""The official SDK's client, connected to the tools of `devkit mcp`."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.dev_process import FREE_PORTS, TIMEOUT, clean_environ

# The SDK is imported in functions: it takes a second, and most of the processes of `make test` run no such test.
if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal
    from mcp import Client
    from mcp.types import Tool


class Agent:
    """Calls tools. Each result is checked against the tool's output schema by the client."""

    def __init__(self, portal: "BlockingPortal", client: "Client") -> None:
        self._portal, self._client = portal, client

    def tools(self) -> "list[Tool]":
        return self._portal.call(self._client.list_tools).tools

    def instructions(self) -> str:
        return self._client.instructions or ""

    def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """The structured result of a call that succeeds. The text holds the same."""
        result = self._portal.call(self._client.call_tool, tool, arguments)
        (content,) = result.content
        assert not result.is_error, content
        structured: dict[str, Any] = result.structured_content
        assert json.loads(content.text) == structured
        return structured

    def fail(self, tool: str, **arguments: object) -> list[str]:
        """The lines of the error of a call that fails."""
        result = self._portal.call(self._client.call_tool, tool, arguments)
        (content,) = result.content
        assert result.is_error, content
        text: str = content.text
        return text.split("\n")

    @contextmanager
    def calling(self, tool: str, **arguments: object) -> Iterator[None]:
        """A call that goes on while the block runs, and is then cancelled."""
        call = self._portal.start_task_soon(self._client.call_tool, tool, arguments)
        try:
            yield
        finally:
            call.cancel()


@contextmanager
def agent_process(project: Path, **settings: str) -> Iterator[Agent]:
    """An agent in a project, with these settings. It talks to a process, over stdin and stdout."""
    from mcp import Client, StdioServerParameters

    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "devkit", "mcp"],
        cwd=project,
        env=clean_environ(project, **settings),
    )
    with _connected(Client(server, read_timeout_seconds=TIMEOUT)) as agent:
        yield agent


@contextmanager
def agent_in(project: Path, **settings: str) -> Iterator[Agent]:
    """As `agent_process`, in this process, which starts faster."""
    from mcp import Client

    from devkit.cli.mcp.server import create_server

    with _connected(Client(create_server({**FREE_PORTS, **settings}, project))) as agent:
        yield agent


@contextmanager
def _connected(client: "Client") -> Iterator[Agent]:
    from anyio.from_thread import start_blocking_portal

    with start_blocking_portal() as portal, portal.wrap_async_context_manager(client):
        yield Agent(portal, client)
