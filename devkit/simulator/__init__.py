"""A Vonage that programs can be tested against: settings API, SMS API and delivery receipts, on loopback.

What it does not do stands first in docs/simulator.md.
"""

from devkit.simulator.account import Account
from devkit.simulator.clock import Clock
from devkit.simulator.fault import Fault
from devkit.simulator.ledger import Delivery, Message
from devkit.simulator.option import SimulatorOptions
from devkit.simulator.outcome import Pace
from devkit.simulator.run import run_simulator
from devkit.simulator.simulator import Simulator

__all__ = [
    "Account",
    "Clock",
    "Delivery",
    "Fault",
    "Message",
    "Pace",
    "Simulator",
    "SimulatorOptions",
    "run_simulator",
]
