"""Converts fixture files to a file of mitmproxy's flows. Runs with the Python of mitmproxy's environment."""

import json
import sys
from pathlib import Path

from mitmproxy import connection, http
from mitmproxy.io import FlowWriter


def main(recordings: Path, flows: Path, port: int) -> None:
    with flows.open("wb") as file:
        writer = FlowWriter(file)
        for path in sorted(recordings.rglob("*.json")):
            writer.add(flow(json.loads(path.read_bytes())["request"], port))


def flow(request: dict, port: int) -> http.HTTPFlow:  # type: ignore[type-arg]
    client = connection.Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", port))
    made = http.HTTPFlow(client, connection.Server(address=("127.0.0.1", port)))
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request["headers"]]
    body = request["body"]["text"].encode()
    url = f"http://127.0.0.1:{port}{request['target']}"
    made.request = http.Request.make(request["method"], url, body, headers)
    return made


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
