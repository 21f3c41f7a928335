"""Records what the receiver takes, and tells the session about it."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from devkit.callback import PROBE_HEADER, Callback
from devkit.errors import StoreError
from devkit.event import Emit, NotRecorded, Probe, ReceiptTaken, Refused
from devkit.fixture import Fixture
from devkit.receipt import Receipt, Unreadable, read
from devkit.receiver import Arrival
from devkit.redact import one_line
from devkit.server import Rest
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

_OBJECTED = 401  # the answer to a signature that is not as required
_REMEMBERED = 10_000  # messages whose first receipt is remembered, to tell the time since


@dataclass(slots=True)
class Recorder:
    """Takes arrivals, in any thread. A receipt is on disk before it is answered 200.

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
    _first_seen: OrderedDict[str, datetime] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take_all(self, arrivals: Sequence[Arrival]) -> tuple[list[int], Rest]:
        """What to answer to each of the arrivals that came at the same time: they wait for the disk together.

        And what is left to do when that is answered: to tell of the receipts, and to pass the recorded ones on.
        """
        looks = [self._look(arrival) for arrival in arrivals]
        to_record = {place: look for place, look in enumerate(looks) if look and look.is_to_record}
        recordings = [(look.fixture, look.reading) for look in to_record.values()]
        files = dict(zip(to_record, self.store.record_all(recordings), strict=True))
        statuses = [
            _status(look, files.get(place)) if look else self._no_receipt(arrival)
            for place, (arrival, look) in enumerate(zip(arrivals, looks, strict=True))
        ]
        return statuses, partial(self._tell_all, looks, files)

    def _look(self, arrival: Arrival) -> "_Look | None":
        """What there is to know about a receipt; None for what is none, or was refused already."""
        if arrival.kind not in ("receipt", "replay"):
            return None
        now = self.clock()
        reading = read(arrival.callback)
        verdict = self._verdict(reading)
        stale = verdict == "valid" and arrival.kind == "receipt" and _is_stale(reading, now)
        objection = ""
        if self.require_signature and (stale or verdict != "valid"):
            objection = f"the signature is {'stale' if stale else verdict}"
        return _Look(arrival, now, reading, verdict, stale, objection)

    def _no_receipt(self, arrival: Arrival) -> int:
        # Told at once: who asked whether the URL answers must not go on before it is known that they asked.
        if arrival.kind == "refused":
            self._tell_refused(arrival.status, _REFUSALS.get(arrival.status, "not a callback"))
            return arrival.status
        if arrival.callback.header(PROBE_HEADER) == self.nonce:
            self.heard.set()
        else:
            self.emit(Probe(one_line(arrival.callback.header("User-Agent") or "", 60)))
        return 200

    def _tell_all(self, looks: Sequence["_Look | None"], files: Mapping[int, str | StoreError]) -> None:
        """files: of those looks that were to be recorded, by their place."""
        for place, look in enumerate(looks):
            if look:
                self._tell(look, files.get(place))

    def _tell(self, look: "_Look", file: str | StoreError | None) -> None:
        if look.objection:
            self._tell_refused(_OBJECTED, look.objection)
        elif isinstance(file, StoreError):  # a full disk, or a directory that has gone
            self.emit(NotRecorded(file.message, file.hint))
        else:
            event = self._event(look, file or "")
            self.emit(event)
            if file and self.forward:
                self.forward(look.arrival.callback, event.message_id, event.file)

    def _verdict(self, reading: Receipt | Unreadable) -> Verdict:
        return verify(reading.fields, self.secret, self.method) if isinstance(reading, Receipt) else "absent"

    def _event(self, look: "_Look", file: str) -> ReceiptTaken:
        reading, callback = look.reading, look.arrival.callback
        receipt = reading if isinstance(reading, Receipt) else Receipt({})
        message_id, err_code = one_line(receipt.message_id, 60), one_line(receipt.err_code, 30)
        return ReceiptTaken(
            file=file,
            message_id=message_id,
            status=one_line(receipt.status, 30),
            err_code=err_code,
            meaning=meaning(err_code, receipt.status) if err_code else "",
            signature=look.verdict,
            network=one_line(receipt.text("network-code"), 20),
            latency_ms=self._count(message_id, bool(file), look.now),
            msisdn=_masked(receipt.text("msisdn")),
            transport=callback.transport,
            problem=reading.problem if isinstance(reading, Unreadable) else "",
            replay=look.arrival.kind == "replay",
        )

    def _count(self, message_id: str, recorded: bool, now: datetime) -> int | None:
        """Count a recording; milliseconds since the first receipt of the message, None for the first one."""
        with self._lock:
            self.recorded += recorded
            first = self._first_seen.setdefault(message_id, now)
            if len(self._first_seen) > _REMEMBERED:
                self._first_seen.popitem(last=False)
        return None if first is now or not message_id else int((now - first).total_seconds() * 1000)

    def _tell_refused(self, status: int, reason: str) -> None:
        with self._lock:
            # For each reason of its own: a stranger's 404 must not keep a refused signature from being told.
            self._refused[reason] += 1
            count = self._refused[reason]
        self.emit(Refused(status, reason, count))


@dataclass(frozen=True, slots=True)
class _Look:
    """A receipt as it was looked at. objection: why it is refused, empty when it is not."""

    arrival: Arrival
    now: datetime
    reading: Receipt | Unreadable
    verdict: Verdict
    stale: bool
    objection: str

    @property
    def is_to_record(self) -> bool:
        return self.arrival.kind == "receipt" and not self.objection

    @property
    def fixture(self) -> Fixture:
        note = _STALE if self.stale else ""
        arrival = self.arrival
        return Fixture(
            self.now, arrival.callback, signature=self.verdict, captured=arrival.captured, note=note
        )


def _status(look: _Look, file: str | StoreError | None) -> int:
    """file: where it was recorded; None when it was not to be."""
    if look.objection:
        return _OBJECTED
    return 503 if isinstance(file, StoreError) else 200


def _is_stale(reading: Receipt | Unreadable, now: datetime) -> bool:
    return isinstance(reading, Receipt) and is_stale(reading.fields, now)


def _masked(msisdn: str) -> str:
    # Not by its digits: "+44 7700 900001" is a number too, and in this field anything may be one.
    text = one_line(msisdn, 30)
    return "*" * (len(text) - 3) + text[-3:]
