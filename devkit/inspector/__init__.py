"""The inspector: the private web page over the recorded receipts. On this machine only; no tunnel leads to it."""

from devkit.inspector.app import create_inspector, serve_inspector
from devkit.inspector.context import Options
from devkit.inspector.event_log import EventLog
from devkit.inspector.replay_form import SampleOptions

__all__ = ["EventLog", "Options", "SampleOptions", "create_inspector", "serve_inspector"]
