"""As many messages as the simulator accepts, as fast as it can: each receipt is recorded as often as promised.

500 messages; 10,000 when DEVKIT_LONG is set.
"""

import http.client
import json
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import urlencode

from devkit.events import Event
from devkit.events.session import NotRecorded, ReceiptTaken
from devkit.fixture.format import load
from devkit.fixture.store import Store
from devkit.http.server import listen
from devkit.receiver.app import TokenAccess, serve_receiver
from devkit.receiver.recorder import Recorder
from devkit.simulator import Simulator, run_simulator
from devkit.webhook.callback import CALLBACK_PATH
from devkit.webhook.receipt import Receipt
from devkit.webhook.signature import verify
from tests.support.raw_socket import DEADLINE
from tests.support.simulator_client import JUMPING

LONG = bool(os.environ.get("DEVKIT_LONG"))
MESSAGES = 10_000 if LONG else 500
TIMEOUT = 900 if LONG else 6 * DEADLINE
SENDERS = 8
TOKEN = "t0ken-t0ken-t0ken"

Promise = tuple[tuple[str, str], ...]

PROMISED: dict[str, Promise] = {
    "447700900000": (("accepted", "0"), ("buffered", "0"), ("delivered", "0")),
    "447700900002": (("accepted", "0"), ("failed", "2")),
    "447700900050": (("accepted", "0"), ("rejected", "50")),
    "447700900101": (("expired", "1"),),
    "447700900102": (("delivered", "0"), ("delivered", "0")),
    "447700900103": (("delivered", "0"), ("accepted", "0")),
    "447700900104": (("delivered", "0"),),
    "447700900105": (),
}


def test_each_message_has_exactly_its_promised_receipts_on_disk(tmp_path: Path) -> None:
    events: list[Event] = []
    recorder = Recorder(Store(tmp_path), events.append, lambda: datetime.now(UTC), "n0nce")
    listener = listen("127.0.0.1", 0)
    callback_url = f"http://127.0.0.1:{listener.getsockname()[1]}{CALLBACK_PATH}/{TOKEN}"
    options = replace(JUMPING, callback_url=callback_url, sign_receipts=True)

    with (
        serve_receiver(recorder.handle_batch, listener, TokenAccess(TOKEN)),
        run_simulator(options) as simulator,
        ThreadPoolExecutor(SENDERS) as pool,
    ):
        recipients = list(islice(cycle(PROMISED), MESSAGES))
        parts = [recipients[start::SENDERS] for start in range(SENDERS)]
        sent = dict(
            pair for pairs in pool.map(lambda part: list(send_all(simulator, part)), parts) for pair in pairs
        )
        assert simulator.wait_idle(TIMEOUT)
        tried = len(simulator.deliveries)

    promised = {message_id: Counter(PROMISED[recipient]) for message_id, recipient in sent.items()}
    receipts = sum(counter.total() for counter in promised.values())
    assert len(sent) == MESSAGES
    assert tried == receipts
    assert not [event for event in events if isinstance(event, NotRecorded)]
    assert sum(isinstance(event, ReceiptTaken) for event in events) == recorder.recorded == receipts
    recorded: dict[str, Counter[tuple[str, str]]] = {message_id: Counter() for message_id in promised}
    for receipt in recordings(tmp_path):
        assert verify(receipt.fields, options.signature_secret, options.signature_method) == "valid"
        assert receipt.text("msisdn") == sent[receipt.message_id]
        recorded[receipt.message_id][receipt.status, receipt.err_code] += 1
    assert recorded == promised
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert Counter(path.suffix or path.name for path in files) == {".json": receipts, ".gitignore": 1}


def send_all(simulator: Simulator, recipients: list[str]) -> Iterator[tuple[str, str]]:
    """Message id and recipient of each message, over one connection."""
    account = {"api_key": simulator.api_key, "api_secret": simulator.api_secret}
    with closing(http.client.HTTPConnection(simulator.host, timeout=TIMEOUT)) as connection:
        for recipient in recipients:
            fields = {**account, "from": "AcmeInc", "to": recipient, "text": "Hello"}
            connection.request("POST", "/sms/json", urlencode(fields))
            (entry,) = json.loads(connection.getresponse().read())["messages"]
            yield entry["message-id"], recipient


def recordings(root: Path) -> Iterator[Receipt]:
    for entry in Store(root).entries():
        reading = load(entry.path).read()
        assert isinstance(reading, Receipt)
        yield reading
