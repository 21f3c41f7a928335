"""A simulator of Vonage for tests: settings API, SMS API and delivery receipts, on loopback.

What it does not do is the first section of docs/simulator.md.
"""

from devkit.simulator.options import Fault, SimulatorOptions
from devkit.simulator.outcomes import Delays
from devkit.simulator.run import run_simulator
from devkit.simulator.scheduler import Clock
from devkit.simulator.state import Account, Delivery, Message, Simulator

__all__ = [
    "Account",
    "Clock",
    "Delays",
    "Delivery",
    "Fault",
    "Message",
    "Simulator",
    "SimulatorOptions",
    "run_simulator",
]
