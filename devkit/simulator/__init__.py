"""A simulator of Vonage for tests, on loopback: its APIs and its webhooks.

What it does not do is the first section of docs/simulator.md.
"""

from devkit.simulator.occurrences import Account, Delivery, InboundMessage, InboundText, Message
from devkit.simulator.options import Fault, SimulatorOptions
from devkit.simulator.outcomes import Delays
from devkit.simulator.run import run_simulator
from devkit.simulator.scheduler import Clock
from devkit.simulator.state import Simulator

__all__ = [
    "Account",
    "Clock",
    "Delays",
    "Delivery",
    "Fault",
    "InboundMessage",
    "InboundText",
    "Message",
    "Simulator",
    "SimulatorOptions",
    "run_simulator",
]
