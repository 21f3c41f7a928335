"""Requests that have come at the same time, answered together by the thread that took them in.

Handing each request to a thread and its answer back costs more than recording a receipt does. And who sees all of them
at once can have them wait for the disk together.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from waitress import wasyncore
from waitress.task import ThreadedTaskDispatcher

# Work to run after the responses were sent.
AfterResponse = Callable[[], None]

# Takes the WSGI environments of requests that came together. A status answers its request, with an empty body;
# None leaves it to the application.
WsgiBatchHandler = Callable[[Sequence[dict[str, Any]]], tuple[Sequence[int | None], AfterResponse]]

_MOST = 64  # requests in a group: each may need an open file
_ROUND_SECONDS = 1.0  # how long to wait for a request before connections are looked through for idle ones

_log = logging.getLogger(__name__)


class GroupDispatcher(ThreadedTaskDispatcher):
    """Without any thread of its own: what it is given waits until all that has come is read."""

    def __init__(self, ahead: WsgiBatchHandler) -> None:
        super().__init__()
        self._ahead = ahead
        self._waiting: list[Any] = []

    def attend(self, server: Any) -> None:
        """Have the server take in and answer requests this way."""
        server.run = partial(self._run, server)
        server.handle_accept = partial(_accept_all, server)
        server.pull_trigger = lambda: None  # it would wake up the very thread that calls it

    def add_task(self, task: Any) -> None:
        """task: a connection with a request that has come whole."""
        self._waiting.append(task)

    def _run(self, server: Any) -> None:
        while server._map:
            # Connections are looked at before each group, so that a new request waits for few others.
            timeout = 0 if self._waiting else _ROUND_SECONDS
            wasyncore.loop(timeout=timeout, use_poll=True, map=server._map, count=1)
            group, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            if group:
                self._serve(group)

    def _serve(self, group: Sequence[Any]) -> None:
        whole = [channel for channel in group if channel.connected and not channel.requests[0].error]
        found, rest = self._ask_ahead(whole) if whole else ((), _nothing)
        statuses = dict(zip(whole, found, strict=True))
        for channel in group:
            try:
                _answer(channel, statuses.get(channel))
            except Exception:  # noqa: BLE001 - as in `_ask_ahead`
                _log.exception("A request could not be answered")
                channel.handle_close()
        try:
            rest()
        except Exception:  # noqa: BLE001 - as in `_ask_ahead`
            _log.exception("What follows the answers could not be done")

    def _ask_ahead(self, channels: Sequence[Any]) -> tuple[Sequence[int | None], AfterResponse]:
        try:
            return self._ahead(
                [channel.task_class(channel, channel.requests[0]).get_environment() for channel in channels]
            )
        except Exception:  # noqa: BLE001 - a mistake of ours must not end the thread that serves everybody
            _log.exception("Requests could not be handled")
            return [500] * len(channels), _nothing


def _answer(channel: Any, status: int | None) -> None:
    """status: None to have the application answer."""
    channel.service() if status is None else channel.answer(status)
    if channel.connected:
        channel.handle_write()


def _nothing() -> None:
    pass


def _accept_all(server: Any) -> None:
    """Every connection that waits to be taken; waitress takes one in each round, and a round may wait for the disk."""
    before = -1
    while before < len(server._map) < server.adj.connection_limit:
        before = len(server._map)
        type(server).handle_accept(server)
