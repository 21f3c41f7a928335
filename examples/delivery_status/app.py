"""A small application that stores the delivery status of SMS."""

import os
from collections.abc import Mapping
from pathlib import Path

from flask import Flask, request
from flask.typing import ResponseReturnValue
from message import Messages
from receipt import fields_of, is_signed, read_receipt
from status import has_token, read_status


def create_app(environ: Mapping[str, str] = os.environ) -> Flask:
    """The application. Its settings: DATABASE, VONAGE_SIGNATURE_SECRET, VONAGE_SIGNATURE_METHOD."""
    messages = Messages(Path(environ.get("DATABASE", "messages.sqlite")))
    secret = environ.get("VONAGE_SIGNATURE_SECRET", "")
    method = environ.get("VONAGE_SIGNATURE_METHOD", "md5hash")
    app = Flask(__name__)

    @app.route("/webhooks/dlr", methods=["GET", "POST"])
    def delivery_receipt() -> ResponseReturnValue:
        fields = fields_of(request)
        if not fields:
            return ""  # a probe: before Vonage saves a URL, it needs exactly 200
        token = request.headers.get("Authorization", "")
        if secret and not (is_signed(fields, secret, method) or has_token(token, request.get_data(), secret)):
            return "", 401
        # Both APIs can send to the same URL: the fields decide.
        receipt = read_receipt(fields) or read_status(request.get_json(silent=True))
        if receipt is None:
            # Still 200: else Vonage would send it again for up to 72 hours. Only names are logged; values are private.
            app.logger.warning("neither a receipt nor a status; its fields are %r", sorted(fields))
            return ""
        messages.take(receipt)  # if this fails, the response is 500, and Vonage sends the receipt again
        return ""

    @app.get("/messages")
    def overview() -> ResponseReturnValue:
        return messages.all()

    return app
