"""A small application that stores the delivery status of SMS, and who wants no more of them."""

import os
from collections.abc import Mapping
from pathlib import Path

from flask import Flask, request
from flask.typing import ResponseReturnValue
from inbound import read_inbound
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
        # Both APIs can send to the same URL, receipts and inbound messages alike: the fields decide.
        document = request.get_json(silent=True)
        # If storing fails, the response is 500, and Vonage sends the webhook again.
        if receipt := read_receipt(fields) or read_status(document):
            messages.take(receipt)
        elif inbound := read_inbound(fields, document):
            messages.receive(inbound)
        else:
            # Still 200: else Vonage would send it again for up to 72 hours. Only names are logged; values are private.
            app.logger.warning("no webhook about a message; its fields are %r", sorted(fields))
        return ""

    @app.get("/messages")
    def overview() -> ResponseReturnValue:
        return messages.all()

    @app.get("/opted-out")
    def opted_out() -> ResponseReturnValue:
        return messages.opted_out()

    return app
