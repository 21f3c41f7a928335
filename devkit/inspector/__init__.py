"""The inspector: the private web page over the recorded receipts. On this machine only; no tunnel leads to it."""

from devkit.inspector.app import create_inspector, serve_inspector
from devkit.inspector.context import Options, SampleOptions
from devkit.inspector.event_log import EventLog

__all__ = ["EventLog", "Options", "SampleOptions", "create_inspector", "serve_inspector"]
