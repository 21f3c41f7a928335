"""The server: offers the tools on stdin and stdout."""

import asyncio
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, InputRequiredResult, TextContent, ToolAnnotations
from pydantic import ValidationError

from devkit import __version__
from devkit.cli.mcp import results, tools
from devkit.cli.mcp.safe_text import error_text, made_safe
from devkit.cli.mcp.tools import ToolContext
from devkit.errors import DevkitError, UsageError
from devkit.session.settings import project_directory
from devkit.session.signals import Shutdown

_INSTRUCTIONS = f"""\
devkit records the delivery receipts of Vonage SMS on this machine, and sends them to local code again.
No tool sends an SMS, changes the Vonage account or reaches another machine; phone numbers are masked.
{results.NOTICE}
An error has two lines: what is wrong, and what to do."""

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_SENDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)
TOOLS: dict[Callable[..., object], ToolAnnotations] = {
    tools.list_receipts: _READS,
    tools.show_receipt: _READS,
    tools.list_samples: _READS,
    tools.wait_for_message: _READS,
    tools.trigger_receipt: _SENDS,
    tools.replay_receipts: _SENDS,
    tools.doctor: _READS,
}


def run_server(environ: Mapping[str, str], directory: Path, stop: Shutdown) -> None:
    """Serve until the client closes stdin, or until a shutdown is requested."""
    server = create_server(environ, directory)
    if isinstance(sys.stdout, TextIOWrapper):
        # The SDK turns what others write to stdout to stderr, until it ends: nothing may be written later.
        sys.stdout.reconfigure(line_buffering=True)
    with _own_stdin() as end_input:
        # In a thread: asyncio in the main thread may miss a signal, as any wait without a limit.
        served = _started(server.run)
        served.add_done_callback(lambda _: stop.request())
        stop.wait()
        end_input()
        try:
            served.result()
        except* BrokenPipeError:
            pass  # the client is gone


def create_server(environ: Mapping[str, str], directory: Path) -> MCPServer[None]:
    """A server whose tools work in a directory."""
    server = _Server("devkit", version=__version__, instructions=_INSTRUCTIONS, log_level="WARNING")
    for tool, annotations in TOOLS.items():
        server.add_tool(_handler(tool, environ, directory), annotations=annotations, structured_output=True)
    return server


class _Server(MCPServer[None]):
    """Its errors have two lines, those about arguments too."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[None, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        try:
            await self._check_names(name, arguments)
            return await super().call_tool(name, arguments, context)
        except UsageError as error:
            return _failure(error)
        except ToolError as error:
            if not isinstance(error.__cause__, ValidationError):
                raise
            return _failure(_argument_error(name, error.__cause__))

    async def _check_names(self, tool: str, arguments: Iterable[str]) -> None:
        schemas = {each.name: each.input_schema for each in await self.list_tools()}
        if tool not in schemas:
            raise UsageError(f"There is no tool {tool[:40]!r}.", hint=f"There are: {', '.join(schemas)}")
        known = schemas[tool]["properties"]
        for name in arguments:  # the SDK ignores those that a tool does not have
            if name not in known:
                raise UsageError(f"{tool} has no argument {name[:40]!r}.", hint=f"It has: {', '.join(known)}")


def _argument_error(tool: str, error: ValidationError) -> UsageError:
    first = error.errors(include_url=False)[0]
    name = ".".join(map(str, first["loc"]))
    return UsageError(f"The argument {name} of {tool} is wrong.", hint=first["msg"])


def _failure(error: DevkitError, secrets: Sequence[str] = ()) -> CallToolResult:
    text = error_text(error, secrets)
    return CallToolResult(content=[TextContent(text=text)], is_error=True)


def _handler(tool: Callable[..., Any], environ: Mapping[str, str], directory: Path) -> Callable[..., Any]:
    """What the SDK calls: the tool, in a thread of its own, and its result made safe."""

    async def call(**arguments: Any) -> Any:
        tool_context = ToolContext(environ, project_directory(directory), Shutdown())
        try:
            result = await asyncio.wrap_future(_started(partial(tool, tool_context, **arguments)))
            return made_safe(result.model_dump(), tool_context.secrets())
        except DevkitError as error:
            return _failure(error, tool_context.secrets())
        finally:
            tool_context.stop.request()

    signature = inspect.signature(tool)
    call.__name__, call.__doc__ = tool.__name__, inspect.getdoc(tool)
    call.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])  # type: ignore[attr-defined]
    return call


_Result = TypeVar("_Result")


def _started(function: Callable[[], _Result]) -> Future[_Result]:
    """A function that runs in a thread, which does not keep the end of the process waiting."""
    future: Future[_Result] = Future()
    future.set_running_or_notify_cancel()  # a caller that stops waiting cannot cancel it

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001  # raised where the result is read
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future


@contextmanager
def _own_stdin() -> Iterator[Callable[[], None]]:
    """A sys.stdin with what stdin gets, and a function that ends it: nothing interrupts the SDK's wait for a line."""
    read_end, write_end = os.pipe()

    def end() -> None:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), write_end)  # at any moment: the copying thread may be writing

    def copy() -> None:
        with suppress(OSError), open(write_end, "wb", closefd=False) as pipe:
            while data := os.read(0, 65536):
                pipe.write(data)
                pipe.flush()
        end()

    _started(copy)
    former = sys.stdin
    with open(read_end, encoding="utf-8") as sys.stdin:
        yield end
    sys.stdin = former
