"""Offline mode, tried whole: a message to a simulator, and its receipts back into a receiver. Leaves nothing."""

import math
import secrets
import threading
from collections.abc import Iterator

from devkit.callback import CALLBACK_PATH
from devkit.doctor.case import Case
from devkit.doctor.check import Check, failed, ok, refused
from devkit.errors import DevkitError
from devkit.receipt import Receipt, read
from devkit.receiver import Arrival, create_receiver
from devkit.send.route import OFFLINE_RECIPIENT
from devkit.server import listen, serve
from devkit.simulator import SimulatorOptions, run_simulator
from devkit.sms import send_sms
from devkit.vonage_client import Credentials

_PATIENCE = 10.0  # seconds; it takes a few hundredths


def offline_checks(case: Case) -> Iterator[Check]:
    """Whether offline mode works here; only when a session would be offline and none runs."""
    if case.mode == "offline" and case.session is None:
        yield _rehearse()


def _rehearse() -> Check:
    statuses: list[str] = []
    ended = threading.Event()

    def take(arrival: Arrival) -> int:
        reading = read(arrival.callback)
        if arrival.kind == "receipt" and isinstance(reading, Receipt):
            statuses.append(reading.status)
            if reading.status == "delivered":
                ended.set()
        return 200

    token = secrets.token_urlsafe(16)
    try:
        with (
            serve(create_receiver(take, token=token), listener := listen("127.0.0.1", 0)),
            run_simulator(SimulatorOptions(speed=math.inf)) as simulator,
        ):
            callback = f"http://127.0.0.1:{listener.getsockname()[1]}{CALLBACK_PATH}/{token}"
            credentials = Credentials(simulator.api_key, simulator.api_secret, simulator.host)
            send_sms(credentials, to=OFFLINE_RECIPIENT, sender="devkit", text="Hello", callback=callback)
            ended.wait(_PATIENCE)
    except DevkitError as error:
        return refused("offline", error)
    if "delivered" not in statuses:
        return failed(
            "offline",
            f"a message to the simulator gave {len(statuses)} of 3 receipts",
            "Look for a firewall or a proxy that stands between programs of this machine",
        )
    return ok("offline", f"ready: a message to the simulator came back as {', '.join(statuses)}")
