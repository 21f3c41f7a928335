"""Records what the receiver takes, and tells the session about it."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from devkit.callback import PROBE_HEADER, Callback
from devkit.errors import DevkitError
from devkit.event import Emit, NotRecorded, Probe, ReceiptTaken, Refused
from devkit.fixture import Fixture
from devkit.receipt import Receipt, Unreadable, read
from devkit.receiver import Arrival
from devkit.redact import one_line
from devkit.signature import Method, Verdict, is_stale, verify
from devkit.store import Store
from devkit.vocabulary import meaning

_REFUSALS = {
    404: "not the callback path of this session",
    405: "a method that Vonage does not use",
}

_STALE = (
    "The signature is right, but older than Vonage sends a receipt again: somebody may have sent it anew."
)

_REMEMBERED = 10_000  # messages whose first receipt is remembered, to tell the time since


@dataclass(slots=True)
class Recorder:
    """Takes arrivals in any thread. A receipt is on disk before `take` returns 200.

    nonce: marks our own question through the public URL, which is told to nobody but `heard`.
    forward: gets each recorded callback with its message id and file, and must return at once.
    """

    store: Store
    emit: Emit
    clock: Callable[[], datetime]
    nonce: str
    secret: str = field(default="", repr=False)
    method: Method = "md5hash"
    require_signature: bool = False
    forward: Callable[[Callback, str, str], None] | None = None
    heard: threading.Event = field(default_factory=threading.Event)
    recorded: int = 0
    _refused: Counter[str] = field(default_factory=Counter)
    _first_seen: dict[str, datetime] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, arrival: Arrival) -> int:
        """What to answer to an arrival."""
        if arrival.kind == "refused":
            return self._refuse(arrival.status, _REFUSALS.get(arrival.status, "not a callback"))
        if arrival.kind == "probe":
            return self._probe(arrival)
        return self._receipt(arrival)

    def _probe(self, arrival: Arrival) -> int:
        if arrival.callback.header(PROBE_HEADER) == self.nonce:
            self.heard.set()
        else:
            self.emit(Probe(one_line(arrival.callback.header("User-Agent") or "", 60)))
        return 200

    def _receipt(self, arrival: Arrival) -> int:
        now = self.clock()
        reading = read(arrival.callback)
        verdict = self._verdict(reading)
        stale = verdict == "valid" and arrival.kind == "receipt" and _is_stale(reading, now)
        if self.require_signature and (stale or verdict != "valid"):
            return self._refuse(401, f"the signature is {'stale' if stale else verdict}")
        file = ""
        if arrival.kind == "receipt":
            note = _STALE if stale else ""
            fixture = Fixture(now, arrival.callback, signature=verdict, captured=arrival.captured, note=note)
            try:
                file = str(self.store.record(fixture, reading))
            except DevkitError as error:  # a full disk, or a directory that has gone
                self.emit(NotRecorded(error.message, error.hint))
                return 503
        event = self._event(arrival, reading, verdict, file, now)
        self.emit(event)
        if file and self.forward:
            self.forward(arrival.callback, event.message_id, file)
        return 200

    def _verdict(self, reading: Receipt | Unreadable) -> Verdict:
        return verify(reading.fields, self.secret, self.method) if isinstance(reading, Receipt) else "absent"

    def _event(
        self, arrival: Arrival, reading: Receipt | Unreadable, verdict: Verdict, file: str, now: datetime
    ) -> ReceiptTaken:
        receipt = reading if isinstance(reading, Receipt) else Receipt({})
        message_id = one_line(receipt.message_id, 60)
        return ReceiptTaken(
            file=file,
            message_id=message_id,
            status=one_line(receipt.status, 30),
            err_code=one_line(receipt.err_code, 30),
            meaning=meaning(one_line(receipt.err_code, 30), receipt.status) if receipt.err_code else "",
            signature=verdict,
            network=one_line(receipt.text("network-code"), 20),
            latency_ms=self._count(message_id, bool(file), now),
            msisdn=_masked(receipt.text("msisdn")),
            transport=arrival.callback.transport,
            problem=reading.problem if isinstance(reading, Unreadable) else "",
            replay=arrival.kind == "replay",
        )

    def _count(self, message_id: str, recorded: bool, now: datetime) -> int | None:
        """Count a recording; milliseconds since the first receipt of the message, None for the first one."""
        with self._lock:
            self.recorded += recorded
            first = self._first_seen.setdefault(message_id, now)
            if len(self._first_seen) > _REMEMBERED:
                del self._first_seen[next(iter(self._first_seen))]
        return None if first is now or not message_id else int((now - first).total_seconds() * 1000)

    def _refuse(self, status: int, reason: str) -> int:
        with self._lock:
            # For each reason of its own: a stranger's 404 must not keep a refused signature from being told.
            self._refused[reason] += 1
            count = self._refused[reason]
        self.emit(Refused(status, reason, count))
        return status


def _is_stale(reading: Receipt | Unreadable, now: datetime) -> bool:
    return isinstance(reading, Receipt) and is_stale(reading.fields, now)


def _masked(msisdn: str) -> str:
    # Not by its digits: "+44 7700 900001" is a number too, and in this field anything may be one.
    text = one_line(msisdn, 30)
    return "*" * (len(text) - 3) + text[-3:]
