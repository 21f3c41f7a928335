"""The public side of a stand-in tunnel: forwards each request to the upstream, header for header."""

import os
import socket
import socketserver
from http.client import HTTPException, HTTPResponse


def read_head(stream):
    """The request line and the header lines of one request; None at the end of the stream."""
    lines = []
    while (line := stream.readline(65537)) not in (b"\r\n", b"\n"):
        if not line:
            return None
        lines.append(line.rstrip(b"\r\n"))
    return lines or None


def header(lines, name):
    found = (line.partition(b":")[2].strip() for line in lines if line.lower().startswith(name + b":"))
    return next(found, b"").decode("latin-1")


def read_body(stream, lines):
    if "chunked" not in header(lines, b"transfer-encoding").lower():
        return stream.read(int(header(lines, b"content-length") or 0))
    body = b""
    while size := int(stream.readline().split(b";")[0], 16):
        body += stream.read(size)
        stream.readline()
    while stream.readline() not in (b"\r\n", b"\n", b""):
        pass
    return body


def added_headers(tunnel, public_host, client):
    """The headers that each tunnel adds. Where they are from: docs/tunnels.md."""
    if tunnel == "ngrok":
        return [f"X-Forwarded-For: {client}", f"X-Forwarded-Host: {public_host}", "X-Forwarded-Proto: https"]
    if tunnel == "cloudflared":
        return [
            f"Cf-Connecting-Ip: {client}",
            f"X-Forwarded-For: {client}",
            "X-Forwarded-Proto: https",
            "Cdn-Loop: cloudflare",
            "Cf-Ray: 0000000000000000-LHR",
        ]
    return [
        f"X-Forwarded-Host: {public_host}",
        "X-Forwarded-Proto: https",
        f"X-Forwarded-For: {client}",
        "Tailscale-Funnel-Request: ?1",
    ]


class Edge(socketserver.ThreadingTCPServer):
    """The public side of one endpoint: forwards each request to the upstream, header for header.

    standin: which tunnel it is, and what that answers by itself. upstream: a URL, or a function that gives it.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, standin, upstream):
        self.standin = standin
        self._upstream = upstream
        super().__init__(("127.0.0.1", int(os.environ.get("STANDIN_EDGE_PORT", "0"))), EdgeHandler)

    @property
    def upstream(self):
        url = self._upstream() if callable(self._upstream) else self._upstream
        host, _, port = url.partition("://")[2].rstrip("/").rpartition(":")
        return host, int(port)


class EdgeHandler(socketserver.StreamRequestHandler):
    server: Edge
    disable_nagle_algorithm = True
    timeout = 60

    def handle(self):
        while (head := read_head(self.rfile)) is not None:
            if header(head, b"expect"):
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = read_body(self.rfile, head[1:])
            method = head[0].split()[0].decode()
            self.wfile.write(self.answer(method, head, body))
            if header(head, b"connection").lower() == "close" or head[0].endswith(b"HTTP/1.0"):
                return

    def answer(self, method, head, body):
        standin = self.server.standin
        standin.count_request()
        if refusal := standin.refusal():
            return refusal
        local, peer = (":".join(map(str, pair)) for pair in (self.server.upstream, self.client_address))
        standin.log("info", "join connections", obj="join", l=local, r=peer)
        try:
            return self.forward(method, head, body)
        except (OSError, HTTPException) as error:
            return failure(502, 8012, f"failed to establish a connection to the upstream: {error}")

    def forward(self, method, head, body):
        public_host = header(head, b"host")
        headers = added_headers(self.server.standin.tunnel, public_host, self.client_address[0])
        added = [line.encode("latin-1") for line in headers]
        kept = head[1:]
        if header(kept, b"transfer-encoding"):
            kept = [line for line in kept if not line.lower().startswith(b"transfer-encoding:")]
            kept.append(b"Content-Length: %d" % len(body))
        with socket.create_connection(self.server.upstream, timeout=30) as upstream:
            upstream.sendall(b"\r\n".join([head[0], *kept, *added, b"", body]))
            response = HTTPResponse(upstream, method=method)
            response.begin()
            content = response.read()
            return answer_bytes(method, response, content)


def answer_bytes(method, response, content):
    lines = [f"HTTP/1.1 {response.status} {response.reason}"]
    length = response.getheader("Content-Length") if method == "HEAD" else str(len(content))
    own = ("connection", "transfer-encoding", "content-length")
    lines += [f"{name}: {value}" for name, value in response.getheaders() if name.lower() not in own]
    if response.status not in (204, 304) and length is not None:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


def failure(status, code, text):
    body = f"{text}\r\n\r\nERR_NGROK_{code}\r\n"
    head = f"HTTP/1.1 {status} ngrok\r\nNgrok-Error-Code: ERR_NGROK_{code}\r\nContent-Type: text/plain\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
