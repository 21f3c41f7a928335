"""A stand-in for the `tailscale` command: it reads and writes the state of a service that `tailscale.py` plays.

The state is `<name>.state.json`: BackendState, config (what `funnel status --json` prints), edges (the public URL of
each port), refusal (what `funnel` answers instead of doing it), forbidden (ports), calls (that changed something).
What the real one prints: cmd/tailscale/cli/serve_v2.go of its source.
"""

import json
import sys
import time
from pathlib import Path

ME = Path(sys.argv[0]).absolute()
STATE_FILE = ME.with_name(ME.name + ".state.json")
NODE = "node.tailnet.ts.net"
DOWN = "failed to connect to local tailscaled; it doesn't appear to be running (sudo systemctl start tailscaled ?)"
REFUSALS = {
    "policy": 'Funnel not available; "funnel" node attribute not set. See https://tailscale.com/s/no-funnel.',
    "operator": "sending serve config: Access denied: serve config denied\n\n"
    "Use 'sudo tailscale funnel --bg 3000'.\nTo not require root, use 'sudo tailscale set --operator=$USER' once.",
    "odd": "error: \x1b[31mthe moon is full\u202e",
}
ENABLE = (
    "\nFunnel is not enabled on your tailnet.\nTo enable, visit:\n\n"
    "         https://login.tailscale.com/f/funnel?node=n0000CNTRL\n"
)


def say(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def save(state):
    part = STATE_FILE.with_suffix(".part")
    part.write_text(json.dumps(state))
    part.replace(STATE_FILE)


def fail(text):
    sys.stderr.write(text + "\n")
    return 1


def funnel(state, argv):
    config = state["config"]
    if argv == ["status", "--json"]:
        say(json.dumps(config))
        return 0
    state["calls"].append(argv)
    if state["refusal"] == "enable":
        say(ENABLE)
        time.sleep(30)  # until a person has used the link
        return 1
    if state["refusal"] in REFUSALS:
        return fail(REFUSALS[state["refusal"]])
    port = next(word for word in argv if word.startswith("--https=")).removeprefix("--https=")
    if port in state.get("forbidden", []):
        return fail(f"port {port} is not allowed for funnel; allowed ports are: 10000")
    name = f"{NODE}:{port}"
    if argv[-1] == "off":
        if port not in config.get("TCP", {}):
            return fail("error: handler does not exist")
        handlers = config["Web"][name]["Handlers"]
        for path in ["/"] if "--set-path=/" in argv else list(handlers):
            del handlers[path]
        if not handlers:
            del config["TCP"][port], config["Web"][name], config["AllowFunnel"][name]
    else:
        config.setdefault("TCP", {})[port] = {"HTTPS": True}
        proxy = {"Proxy": f"http://127.0.0.1:{argv[-1]}"}
        config.setdefault("Web", {})[name] = {"Handlers": {"/": proxy}}
        config.setdefault("AllowFunnel", {})[name] = True
        say(f"Available on the internet:\n\n{state['edges'][port]}/\n|-- proxy {proxy['Proxy']}\n")
        say(f"Funnel started and running in the background.\nTo disable: tailscale funnel --https={port} off")
    save(state)
    return 0


def main(argv):
    state = json.loads(STATE_FILE.read_text())
    if argv == ["--version"]:
        say("1.98.9\n  tailscale commit: 0000")
        return 0
    if state["BackendState"] == "down":
        return fail(DOWN)
    if argv[0] == "status":
        sys.stderr.write("Warning: client version != tailscaled server version\n")
        say(json.dumps({"BackendState": state["BackendState"], "Self": {"DNSName": f"{NODE}."}}))
        return 0
    return funnel(state, argv[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
