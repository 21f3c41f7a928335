"""The inspector: the private web page over the recorded receipts. On this machine only; no tunnel leads to it."""

from devkit.inspector.app import create_inspector, serve_inspector
from devkit.inspector.feed import Feed
from devkit.inspector.keeping import Keeping
from devkit.inspector.option import Options

__all__ = ["Feed", "Keeping", "Options", "create_inspector", "serve_inspector"]
