"""The program that the usual tutorial ends with: prints each receipt, stores nothing. Written anew for comparison."""

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
    # As in a terminal, where it is watched. Into a file it would be faster, and show a receipt much later.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    app.run(port=int(sys.argv[1]))
