"""A stand-in for GitHub's command `gh codespace ports`: it reads and writes the state that `codespace.py` plays.

The state is `<name>.state.json`: ports (the visibility of each), refuses, calls (that change something).
"""

import json
import sys
from pathlib import Path

ME = Path(sys.argv[0]).absolute()
STATE_FILE = ME.with_name(ME.name + ".state.json")


def main(argv):
    state = json.loads(STATE_FILE.read_text())
    if "--json" in argv:
        ports = [{"sourcePort": int(port), "visibility": each} for port, each in state["ports"].items()]
        sys.stdout.write(json.dumps(ports))
        return 0
    state["calls"].append(argv)
    if not state["refuses"]:
        port, _, visibility = argv[argv.index("visibility") + 1].partition(":")
        state["ports"][port] = visibility
    part = STATE_FILE.with_suffix(".part")
    part.write_text(json.dumps(state))
    part.replace(STATE_FILE)
    if state["refuses"]:
        sys.stderr.write("HTTP 403: Must have admin rights to Repository.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
