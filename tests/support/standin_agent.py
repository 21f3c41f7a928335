"""A stand-in for the ngrok agent, version 3: a real process that pyngrok drives, on loopback alone.

It logs, answers the agent's API and forwards requests as the real agent does, and fails on demand:

STANDIN_FAULT      no-authtoken, invalid-authtoken, bad-authtoken, session-limit, odd-error, offline,
                          silent, missing-line, no-endpoints-api, url-taken, slow-version, ignore-sigterm,
                          die-after=N (requests), survive (its parent, for a while); with `-once` at its end
                          only the first start of this copy has the fault
STANDIN_URL        the public URL to claim; the listener behind it is `edge` in the state file
STANDIN_EDGE_PORT  the port of the public listener, so that a restart keeps the URL

Beside itself it writes `<name>.state.json`: pid, api, edge, argv, and what the authtoken was read from.
POST /standin/drop, /standin/restore, /standin/exit, /standin/log?N on the API address steer it while it runs.
Not played: TLS, streaming, websockets. Responses are buffered and leave with a Content-Length.
"""

import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

from standin_process import SURVIVAL, choose_fault, lifetime, write_state

# What the service says, from ngrok's pages of errors (docs: errors/err_ngrok_N).
REFUSALS = {
    "no-authtoken": "authentication failed: Usage of ngrok requires a verified account and authtoken."
    "\n\nSign up for an account: https://dashboard.ngrok.com/signup\r\n\r\nERR_NGROK_4018\r\n",
    "invalid-authtoken": "authentication failed: The authtoken you specified does not look like a proper"
    " ngrok authtoken.\nYour authtoken: {token}\r\n\r\nERR_NGROK_105\r\n",
    "bad-authtoken": "authentication failed: The authtoken you specified is properly formed, but it is"
    " invalid.\nYour authtoken: {token}\r\n\r\nERR_NGROK_107\r\n",
    "session-limit": "authentication failed: Your account is limited to 3 simultaneous ngrok agent sessions."
    "\r\n\r\nERR_NGROK_108\r\n",
    "odd-error": "session refused for {token}: the moon is full\r\n\r\nERR_NGROK_99999\r\n",
}


class Standin:
    """What this process knows: its fault, its endpoints, and whether the session to the service is up."""

    tunnel = "ngrok"

    def __init__(self, fault):
        self.fault, _, number = fault.partition("=")
        self.version = version(fault)
        self.requests_left = int(number or -1)
        self.endpoints = {}
        self.session_up = True
        self.lock = threading.RLock()
        self.state = {"pid": os.getpid(), "argv": sys.argv}

    def refusal(self):
        """What ngrok answers by itself."""
        from standin_edge import failure  # only now, see `start`

        return None if self.session_up else failure(404, 3200, "the endpoint is offline")

    def log(self, level, message, **fields):
        """Write one logfmt line. Blocks when nobody reads, as the real agent does."""
        now = time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime())
        words = {"t": now, "lvl": level, "msg": message, **fields}
        line = " ".join(f"{key}={logfmt(str(value))}" for key, value in words.items()) + "\n"
        try:
            with self.lock:
                sys.stdout.write(line)
                sys.stdout.flush()
        except BrokenPipeError:
            os._exit(0)  # the parent is gone; an orphan is of use to nobody

    def note(self, **state):
        with self.lock:
            self.state.update(state)
            write_state(self.state)

    def count_request(self):
        with self.lock:
            self.requests_left -= 1
            if self.fault == "die-after" and self.requests_left < 0:
                os._exit(1)


def version(fault):
    return "3.20.0" if fault == "no-endpoints-api" else "3.33.1"


def logfmt(text):
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"' if re.search(r'[\s="\\]', escaped) or not escaped else escaped


def find_token(argv):
    """The authtoken and where it was found: argument, environment or configuration file."""
    if "--authtoken" in argv:
        return argv[argv.index("--authtoken") + 1], "argv"
    if os.environ.get("NGROK_AUTHTOKEN"):
        return os.environ["NGROK_AUTHTOKEN"], "environment"
    if "--config" in argv:
        text = Path(argv[argv.index("--config") + 1]).read_text()
        if found := re.search(r'authtoken:\s*"?([^"\s]+)', text):
            return found[1], "config"
    return "", "nowhere"


def refuse(standin, token):
    text = REFUSALS[standin.fault].format(token=token)
    standin.log("eror", "terminating with error", obj="app", err=text)
    standin.log("crit", "command failed", err=text)
    for line in text.splitlines():
        sys.stderr.write(f"ERROR:  {line}\n")
    sys.stderr.flush()
    return 1


def await_parent(standin, parent):
    """Stay until the parent is gone."""
    for _ in lifetime(parent, standin.fault):
        time.sleep(0.1)
        if standin.fault == "offline":
            standin.log("eror", "failed to reconnect session", obj="csess", err="dial tcp: no such host")
            standin.note(complaints=standin.state.get("complaints", 0) + 1)


def start(standin, argv):
    parent = os.getppid()
    token, source = find_token(argv)
    if standin.fault == "ignore-sigterm":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    from standin_api import serve_api  # only now: `--version` is asked for at every start and shall be quick

    web = serve_api(standin)
    address = f"127.0.0.1:{web.server_address[1]}"
    standin.note(api=f"http://{address}", token_from=source)
    if standin.fault != "silent":
        standin.log("info", "open config file", path="-", err="nil")
        standin.log("info", "starting web service", obj="web", addr=address, allow_hosts="[]")
        if standin.fault in REFUSALS:
            return refuse(standin, token)
        if standin.fault != "offline":
            standin.log("info", "client session established", obj="tunnels.session")
            if standin.fault != "missing-line":
                standin.log("info", "tunnel session started", obj="tunnels.session")
    await_parent(standin, parent)
    return 0


def main(argv):
    if "--version" in argv:
        fault = os.environ.get("STANDIN_FAULT", "")
        if fault == "slow-version":
            time.sleep(SURVIVAL)
        sys.stdout.write(f"ngrok version {version(fault)}\n")
        return 0
    return start(Standin(choose_fault()), argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
