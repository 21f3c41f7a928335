"""The baseline of the simulator: the same web server and framework with one fixed response."""

import signal
import sys

from flask import Flask

from devkit.http.server import listen, serve

app = Flask(__name__)


@app.post("/sms/json")
def sms_json() -> dict[str, object]:
    return {"message-count": "1", "messages": [{"status": "0"}]}


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with serve(app, listen("127.0.0.1", int(sys.argv[1])), threads=16):
        signal.pause()
