"""A stand-in for cloudflared: a real process with the metrics server and a public side, on loopback alone.

STANDIN_FAULT      metrics-late, not-connected, silent, too-many, odd-error, port-taken, late=N (answers of Cloudflare's
                   own before the URL leads here), survive; with `-once` at its end only the first start has the fault

Beside itself it writes `<name>.state.json`: pid, metrics, url, argv, config, environ.
POST /standin/drop, /standin/restore and /standin/exit?CODE on the metrics address steer it while it runs.
The public URL is new at each start, as that of a quick tunnel. Not played: TLS, DNS, several connections.
"""

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from standin_edge import Edge, failure
from standin_process import choose_fault, lifetime, write_state

# From cloudflared's source: cmd/cloudflared/tunnel/quick_tunnel.go and cmd.go.
ERRORS = {
    "too-many": 'ERR Error unmarshaling QuickTunnel response: error code: 1015 error="invalid character" '
    'status_code="429 Too Many Requests"\nfailed to unmarshal quick Tunnel: invalid character',
    "odd-error": "ERR failed to request quick Tunnel: dial tcp: \x1b[31mno such host\u202e",
    "port-taken": 'ERR Error opening metrics server listener error="listen tcp {metrics}: bind: '
    'address already in use"',
}


class Standin:
    """What this process knows. The edge asks it about each request."""

    tunnel = "cloudflared"

    def __init__(self, fault):
        self.fault, _, number = fault.partition("=")
        self.early = int(number or 0)
        self.session_up = self.fault != "not-connected"
        self.lock = threading.Lock()

    def log(self, *args, **fields):
        pass  # with --loglevel error

    def count_request(self):
        pass

    def refusal(self):
        """What Cloudflare answers by itself while the name is known and no connection is."""
        with self.lock:
            self.early -= 1
            is_early = self.early >= 0
        return failure(530, 1033, "Argo Tunnel error") if is_early or not self.session_up else None


class Metrics(BaseHTTPRequestHandler):
    """cloudflared's metrics server: metrics/metrics.go and metrics/readiness.go of its source."""

    server: "MetricsServer"

    def log_message(self, *args):
        pass

    def do_GET(self):
        standin = self.server.standin
        if self.path == "/quicktunnel":
            self.answer(200, json.dumps({"hostname": self.server.hostname}))
        elif self.path == "/ready":
            status = 200 if standin.session_up else 503
            self.answer(status, json.dumps({"status": status, "readyConnections": int(standin.session_up)}))
        else:
            self.answer(404, "")

    def do_POST(self):
        verb, _, query = self.path.removeprefix("/standin/").partition("?")
        if verb == "exit":
            os._exit(int(query or 1))
        self.server.standin.session_up = verb == "restore"
        self.answer(200, "")

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


class MetricsServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port, standin, hostname):
        self.standin, self.hostname = standin, hostname
        super().__init__(("127.0.0.1", port), Metrics)


def option(argv, name):
    return argv[argv.index(name) + 1]


def main(argv):
    if "--version" in argv:
        sys.stdout.write("cloudflared version 2026.11.0 (built 2026-11-04-1200 UTC)\n")
        return 0
    parent, standin, metrics = os.getppid(), Standin(choose_fault()), option(argv, "--metrics")
    if standin.fault in ERRORS:
        sys.stderr.write(f"2026-11-29T12:00:00Z {ERRORS[standin.fault].format(metrics=metrics)}\n")
        return 1
    edge = Edge(standin, option(argv, "--url"))
    threading.Thread(target=edge.serve_forever, args=(0.01,), daemon=True).start()
    hostname = f"http://127.0.0.1:{edge.server_address[1]}"
    if standin.fault == "metrics-late":
        time.sleep(0.3)
    if standin.fault != "silent":
        web = MetricsServer(int(metrics.rpartition(":")[2]), standin, hostname)
        threading.Thread(target=web.serve_forever, args=(0.05,), daemon=True).start()
    named = [name for name in os.environ if name.startswith("TUNNEL_")]
    write_state(
        {
            "pid": os.getpid(),
            "api": f"http://{metrics}",
            "url": hostname,
            "argv": argv,
            "config": Path(option(argv, "--config")).read_text(),
            "environ": named,
        }
    )
    for _ in lifetime(parent, standin.fault):
        time.sleep(0.05)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
