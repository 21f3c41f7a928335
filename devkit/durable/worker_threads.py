"""Threads that run steps in parallel."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue


class WorkerThreads:
    """Runs steps in parallel, in threads that are started on first use and stay.

    Works with fewer threads if the system has no more, and in the calling thread if it has none: a receipt must not
    fail because of that.
    """

    def __init__(self, count: int) -> None:
        self._count = self._missing = count
        self._steps: SimpleQueue[tuple[Callable[[], None], SimpleQueue[BaseException | None]]] = SimpleQueue()
        self._lock = threading.Lock()

    def run(self, steps: Sequence[Callable[[], None]]) -> None:
        """Run all steps. When this returns, or raises the error of one of them, all are done."""
        if self._missing:
            self._start()
        if self._missing == self._count:
            for step in steps:
                step()
            return
        results: SimpleQueue[BaseException | None] = SimpleQueue()
        for step in steps:
            self._steps.put((step, results))
        errors = [results.get() for _ in steps]
        for error in filter(None, errors):
            raise error

    def _start(self) -> None:
        with self._lock, suppress(RuntimeError):  # the system has no more
            while self._missing:
                threading.Thread(target=self._work, name="sync", daemon=True).start()
                self._missing -= 1

    def _work(self) -> None:
        while True:
            step, results = self._steps.get()
            try:
                step()
            except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
                results.put(error)
            else:
                results.put(None)
