"""The simulator alone, for programs in any language, until it is time to stop."""

import os
import socket

from devkit.event import Emit
from devkit.simulator import Simulator, SimulatorOptions, run_simulator
from devkit.simulator.event import SimulatorReady, SimulatorStopped, event_of
from devkit.simulator.trust import Trust
from devkit.simulator.watch import each_distrust_once
from devkit.stop import Stop

_DEFAULTS = SimulatorOptions()


def run(
    options: SimulatorOptions, listener: socket.socket, trust: Trust | None, emit: Emit, stop: Stop
) -> None:
    """Stand in for Vonage on the listener, which is closed at the end. trust: for https beside plain http."""
    tls = trust.context() if trust else None
    watch = each_distrust_once(lambda happening: emit(event_of(happening)))
    with run_simulator(options, listener=listener, tls=tls, watch=watch) as simulator:
        emit(_ready(simulator, trust))
        stop.wait()
        emit(SimulatorStopped(len(simulator.messages), len(simulator.deliveries)))


def _ready(simulator: Simulator, trust: Trust | None) -> SimulatorReady:
    options = simulator.options
    known = options.signature_secret == _DEFAULTS.signature_secret
    return SimulatorReady(
        url=simulator.url,
        host=simulator.host,
        api_key=options.api_key,
        # Secrets that everybody knows are shown; chosen ones may be real.
        api_secret=options.api_secret if options.api_secret == _DEFAULTS.api_secret else "",
        method=options.method,
        signature=options.signature_method if options.sign_receipts else "",
        signature_secret=options.signature_secret if options.sign_receipts and known else "",
        callback_url=options.callback_url,
        authority=str(trust.authority) if trust else "",
        bundle=str(trust.bundle) if trust else "",
        pid=os.getpid(),
    )
