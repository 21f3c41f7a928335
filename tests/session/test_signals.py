import os
import signal
import subprocess
import sys
import threading

import pytest

from devkit.session.signals import SIGNALS, Shutdown, ShutdownRequested, stop_on_signals

LONG = 30.0  # seconds; only a broken Stop comes near it


def test_nothing_is_requested_at_first() -> None:
    stop = Shutdown()

    stop.check()
    assert not stop()
    assert not stop.wait(0)


def test_a_request_stays() -> None:
    stop = Shutdown()

    stop.request()
    stop.request()

    assert stop()
    assert [stop.wait(), stop.wait(0), stop.wait(LONG)] == [True, True, True]
    with pytest.raises(ShutdownRequested):
        stop.check()


def test_all_waiting_threads_are_woken_by_one_request() -> None:
    stop = Shutdown()
    woken: list[bool] = []
    waiting = threading.Semaphore(0)
    wake = stop._wake

    class Announced:
        """The queue, which says that somebody is about to wait on it."""

        put = wake.put

        def get(self, timeout: float | None) -> None:
            waiting.release()
            wake.get(timeout=timeout)

    stop._wake = Announced()  # type: ignore[assignment]
    threads = [
        threading.Thread(target=lambda seconds=seconds: woken.append(stop.wait(seconds)), daemon=True)
        for seconds in (None, None, LONG)
    ]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert waiting.acquire(timeout=LONG)
    stop.request()
    for thread in threads:
        thread.join(LONG)

    assert woken == [True, True, True]


@pytest.mark.parametrize("number", [number for number in SIGNALS if number.name != "SIGBREAK"])
def test_a_real_signal_ends_the_wait_and_the_former_handler_is_put_back(number: signal.Signals) -> None:
    former = signal.getsignal(number)

    with stop_on_signals() as stop:
        sender = threading.Thread(target=os.kill, args=(os.getpid(), number))
        sender.start()
        assert stop.wait(LONG)
        sender.join(LONG)

    assert signal.getsignal(number) is former


def test_the_former_handlers_are_put_back_after_a_failure() -> None:
    former = [signal.getsignal(number) for number in SIGNALS]

    with pytest.raises(KeyError), stop_on_signals():
        raise KeyError

    assert [signal.getsignal(number) for number in SIGNALS] == former


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no SIGHUP")
def test_a_session_under_nohup_outlives_its_terminal() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signals() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.wait(0)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, former)


WAITING = """
from devkit.session.signals import stop_on_signals
with stop_on_signals() as stop:
    print("waiting", flush=True)
    print("asked:", stop.wait())
"""


@pytest.mark.skipif(os.name == "nt", reason="there a process is ended, not asked")
def test_a_process_that_waits_without_a_limit_ends_by_a_signal_and_in_order() -> None:
    with subprocess.Popen([sys.executable, "-c", WAITING], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"

        process.send_signal(signal.SIGTERM)

        assert process.communicate(timeout=LONG)[0] == "asked: True\n"
    assert process.returncode == 0
