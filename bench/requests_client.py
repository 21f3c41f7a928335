"""The script that people write to send recordings again: a `requests.Session`, one request after the other."""

import json
import sys
from pathlib import Path

import requests


def main(recordings: Path, port: int) -> None:
    with requests.Session() as session:
        for path in sorted(recordings.rglob("*.json")):
            request = json.loads(path.read_bytes())["request"]
            headers = {name: value for name, value in request["headers"] if name.lower() != "host"}
            url = f"http://127.0.0.1:{port}{request['target']}"
            body = request["body"]["text"].encode()
            session.request(request["method"], url, headers=headers, data=body).raise_for_status()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
