"""Keep: a recorded fixture becomes a sample that can be committed. What it replaces is in docs/keep.md."""

from devkit.keep.key import load_key
from devkit.keep.plan import Redaction, plan_keep
from devkit.keep.private import private_values
from devkit.keep.rule import Policy
from devkit.keep.sample import Sample, assign, require_free, write

__all__ = [
    "Policy",
    "Redaction",
    "Sample",
    "assign",
    "load_key",
    "plan_keep",
    "private_values",
    "require_free",
    "write",
]
