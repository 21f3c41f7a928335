"""The program of the usual tutorial, written anew for comparison: it prints each receipt and stores nothing."""

import sys
from pprint import pprint

from flask import Flask, request

app = Flask(__name__)


@app.route("/webhooks/delivery-receipt", methods=["GET", "POST"])
def delivery_receipt() -> tuple[str, int]:
    fields = request.get_json() if request.is_json else (request.form or request.args).to_dict()
    pprint(fields)
    return "", 204


if __name__ == "__main__":
    # As in a terminal. With a buffer, as in a file, it would be faster and would show receipts much later.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    app.run(port=int(sys.argv[1]))
