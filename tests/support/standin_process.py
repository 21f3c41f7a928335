"""What the stand-ins for agents share: they fail on demand, say beside themselves what they do, and end as orphans."""

import json
import os
import sys
import time
from pathlib import Path

ME = Path(sys.argv[0]).absolute()
STATE_FILE = ME.with_name(ME.name + ".state.json")
SURVIVAL = 30  # seconds that an orphan lives at most, so that none piles up


def choose_fault():
    """The fault of this start; with `-once` at its end, only the first start of this copy has it.

    A file `<name>.fault` beside it says the fault of a later start.
    """
    file = ME.with_name(ME.name + ".fault")
    fault = file.read_text() if file.exists() else os.environ.get("STANDIN_FAULT", "")
    if not fault.endswith("-once"):
        return fault
    marker = ME.with_name(ME.name + ".failed-once")
    if marker.exists():
        return ""
    marker.touch()
    return fault.removesuffix("-once")


def write_state(state):
    part = STATE_FILE.with_suffix(".part")
    part.write_text(json.dumps(state))
    part.replace(STATE_FILE)


def lifetime(parent, fault):
    """Yields again and again until the parent is gone; with the fault `survive` for a while longer."""
    started = time.monotonic()
    while os.getppid() == parent or (fault == "survive" and time.monotonic() - started < SURVIVAL):
        yield
