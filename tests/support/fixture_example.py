"""One fixture, the file that it is written to, and ways to change the file."""

import json
from datetime import UTC, datetime

from devkit.fixture.format import Fixture
from devkit.webhook.callback import Callback

MOMENT = datetime(2026, 11, 23, 13, 45, 47, 123456, UTC)
EXAMPLE = Fixture(
    MOMENT,
    Callback(
        "GET",
        "/webhooks/delivery-receipt?msisdn=447700900001&status=delivered",
        (("Host", "dlr.example.test"), ("X-Tag", "a"), ("x-tag", "b")),
    ),
    signature="absent",
    tags=("first", "GET"),
    note="Caf\u00e9",
    extra={"seen": [1, {"deep": None}]},
    request_extra={"http_version": "1.1"},
)
FILE = rb"""{
  "format": "vonage-delivery-receipt",
  "version": 1,
  "recorded_at": "2026-11-23T13:45:47.123456Z",
  "request": {
    "method": "GET",
    "target": "/webhooks/delivery-receipt?msisdn=447700900001&status=delivered",
    "headers": [
      ["Host", "dlr.example.test"],
      ["X-Tag", "a"],
      ["x-tag", "b"]
    ],
    "body": {
      "text": ""
    },
    "http_version": "1.1"
  },
  "receipt": {
    "msisdn": "447700900001",
    "status": "delivered"
  },
  "signature": "absent",
  "tags": ["first", "GET"],
  "note": "Caf\u00e9",
  "seen": [
    1,
    {
      "deep": null
    }
  ]
}
"""


def changed(*path: object, to: object) -> bytes:
    """The example's file with another value at one place."""
    document = json.loads(FILE)
    *above, last = path
    place = document
    for key in above:
        place = place[key]
    place[last] = to
    return json.dumps(document).encode()
