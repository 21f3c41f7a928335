"""The stand-in agent's own web address: what pyngrok calls, and what tests steer it with."""

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standin_edge import Edge

TAKEN = "failed to start tunnel: The endpoint is already online.\r\n\r\nERR_NGROK_334"


class Api(BaseHTTPRequestHandler):
    """The agent's own web address: what pyngrok calls, and the /standin/ controls."""

    server: "ApiServer"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def do(self):
        standin = self.server.standin
        length = int(self.headers.get("Content-Length") or 0)
        sent = json.loads(self.rfile.read(length) or b"{}")
        standin.log("info", "start", pg=self.path, id=f"{time.monotonic_ns():x}")
        status, answer = route(standin, self.command, self.path, sent)
        if status == 404:
            standin.log("warn", "not found", pg=self.path)
        standin.log("info", "end", pg=self.path, status=status, dur="1ms")
        body = b"" if status == 204 else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = do  # noqa: N815 - the names that http.server calls


class ApiServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, standin):
        self.standin = standin
        super().__init__(("127.0.0.1", 0), Api)


def serve_api(standin):
    web = ApiServer(standin)
    threading.Thread(target=web.serve_forever, args=(0.05,), daemon=True).start()
    return web


def route(standin, method, path, sent):
    """The status and the JSON answer to one API call."""
    page, _, query = path.partition("?")
    parts = page.strip("/").split("/")
    kind, name = parts[1] if len(parts) > 1 else "", "/".join(parts[2:])
    if parts[0] == "standin" and method == "POST":
        return control(standin, kind, query)
    if kind == "status":
        legs = [{"region": "lo", "latency_ms": 1}] if standin.session_up else []
        return 200, {"status": "online", "agent_version": standin.version, "session": {"legs": legs}}
    if kind not in ("endpoints", "tunnels") or (kind == "endpoints" and standin.fault == "no-endpoints-api"):
        return api_error(0, 404, "Not Found", path=page)
    if method == "POST":
        return open_endpoint(standin, kind, sent)
    if not name:
        return 200, {kind: [found[0] for found in standin.endpoints.values()], "uri": page}
    if name not in standin.endpoints:
        return api_error(100, 404, "tunnel not found", name=name)
    if method == "DELETE":
        _, edge = standin.endpoints.pop(name)
        edge.shutdown()
        edge.server_close()
        standin.note(closed=True)
        return 204, {}
    return 200, standin.endpoints[name][0]


def api_error(code, status, text, **details):
    numbers = {"error_code": code, "status_code": status} if code else {"status_code": status}
    return status, {**numbers, "msg": text, "details": details}


def open_endpoint(standin, kind, sent):
    if standin.fault == "url-taken":
        return api_error(103, 502, "failed to start tunnel", err=TAKEN)
    upstream = sent["upstream"]["url"] if kind == "endpoints" else sent["addr"]
    edge = Edge(standin, upstream)
    threading.Thread(target=edge.serve_forever, args=(0.01,), daemon=True).start()
    address = f"http://127.0.0.1:{edge.server_address[1]}"
    domain = f"https://{sent['domain']}" if sent.get("domain") else ""
    url = sent.get("url") or domain or os.environ.get("STANDIN_URL") or address
    answer = {"name": sent["name"], "uri": f"/api/{kind}/{sent['name']}"}
    if kind == "endpoints":
        answer |= {"url": url, "upstream": {"url": upstream}}
    else:
        answer |= {"public_url": url, "proto": "https", "config": {"addr": upstream, "inspect": True}}
    standin.endpoints[sent["name"]] = (answer, edge)
    standin.note(edge=address, url=url, requested=sent)
    standin.log("info", "started tunnel", obj="tunnels", name=sent["name"], addr=upstream, url=url)
    return 201, answer


def control(standin, verb, query):
    if verb == "exit":
        os._exit(int(query or 1))
    if verb == "drop":
        standin.session_up = False
        standin.log("warn", "session closed, starting reconnect loop", obj="csess", err="read timeout")
    elif verb == "restore":
        standin.session_up = True
        standin.log("info", "client session established", obj="csess")
    elif verb == "log":
        for number in range(int(query)):
            standin.log("info", "flood", number=number, filler="x" * 200)
    return 200, {"session_up": standin.session_up}
