"""Records webhooks, and publishes an event for each."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from devkit.errors import StoreError
from devkit.events import Notice, Publish
from devkit.events.session import NotRecorded, Probe, ReceiptTaken, Refused, Stopped
from devkit.fixture.format import TRIGGERED, Fixture, format_time
from devkit.fixture.store import ReceiptStore
from devkit.http.channel import AfterResponse
from devkit.receiver.app import IncomingRequest
from devkit.webhook.callback import REACHABILITY_HEADER, Callback
from devkit.webhook.masking import mask_number, mask_numbers_in, one_line
from devkit.webhook.receipt import Unreadable, Webhook, meaning, read, webhook_in
from devkit.webhook.signature import Method, Verdict, verify_callback
from devkit.webhook.timeline import Anomaly, MessageHistory, SentMessage

_REFUSALS = {
    404: "not the callback path of this session",
    405: "a method that Vonage does not use",
}

_STATUS_AT_RECEIPT_URL = (
    "A status of the Messages API came to the URL for receipts: the account's Messaging API type is probably "
    '"Messages API" (Vonage dashboard, API settings), or the message was sent with this URL as its webhook_url. '
    "It is recorded; your program must take it too."
)
_STATUS_OF_APPLICATION = (
    "A status of the Messages API came to the URL for receipts: application {id} sent the message, which has it "
    "as its webhook_url. It is recorded; your program must take it too. To get all statuses of the application: "
    "devkit dev --application {id}"
)

_REJECTED = 401  # the status for a signature that is not as required
_MAX_MESSAGES = 10_000  # that are remembered, to compare their receipts
_MAX_REASONS = 50  # that refused requests are counted by; one can hold text of the sender
_MAX_TEXT = 300  # characters of an inbound message in its event
_MAX_RECEIPTS = 50  # of a message that are remembered; somebody may send the same one without end


@dataclass(slots=True)
class Recorder:
    """Handles requests, in any thread. A receipt is on disk before it is answered 200.

    nonce: marks the reachability check of this session; it sets `reached`, and no event is published.
    sends: the messages that devkit sent, asked before receipts are published.
    forward: gets each recorded callback with its message id and file, and must not block.
    expects_messages: whether this session asked for webhooks of the Messages API; else the first status is explained.
    """

    store: ReceiptStore
    publish: Publish
    clock: Callable[[], datetime]
    nonce: str
    secret: str = field(default="", repr=False)
    method: Method = "md5hash"
    require_signature: bool = False
    sends: Callable[[str], SentMessage | None] = lambda message_id: None
    forward: Callable[[Callback, str, str], None] | None = None
    reached: threading.Event = field(default_factory=threading.Event)
    expects_messages: bool = False
    recorded: int = 0  # webhooks of any kind
    other_webhooks: int = 0  # those of them that are no receipts
    _refused: Counter[str] = field(default_factory=Counter)
    _messages: OrderedDict[str, tuple[datetime, MessageHistory]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def handle_batch(self, requests: Sequence[IncomingRequest]) -> tuple[list[int], AfterResponse]:
        """Record the receipts among requests that arrived together; they share one wait for the disk.

        Returns the HTTP status of each request, and the work to run after the responses were sent: publish the
        receipts, and forward the recorded ones.
        """
        evaluated = [self._evaluate(each) if each.kind in _RECEIPTS else None for each in requests]
        receipts = [each for each in evaluated if each]
        to_record = [each for each in receipts if each.is_to_record]
        files = self.store.record_all([(each.fixture, each.reading) for each in to_record])
        for evaluation, file in zip(to_record, files, strict=True):
            evaluation.file = file
        statuses = [
            evaluation.status if evaluation else self._handle_other(request)
            for request, evaluation in zip(requests, evaluated, strict=True)
        ]
        return statuses, partial(self._publish_all, receipts)

    def publish_relayed(self, fixture: Fixture, file: str, who: str) -> None:
        """Publish and forward a receipt that a relay's receiver took and that is on disk now. who: its owner, or empty.

        The time and the verdict on the signature are those of that receiver.
        """
        incoming = IncomingRequest("receipt", fixture.callback, fixture.captured, 200)
        verdict: Verdict = fixture.signature or "unchecked"
        relayed = _Evaluation(
            incoming, fixture.recorded_at, fixture.read(), verdict, who=who, is_relayed=True
        )
        self._publish_receipt(relayed, file)

    def stopped(self, left_out: int = 0) -> Stopped:
        """The last event of a session. left_out: as in the event."""
        return Stopped(self.recorded - self.other_webhooks, left_out, self.other_webhooks)

    def _evaluate(self, incoming: IncomingRequest) -> "_Evaluation":
        """Read a webhook and check its signature or token."""
        callback, now = incoming.callback, self.clock()
        reading = read(callback)
        verdict: Verdict = "absent"
        problem = ""
        if isinstance(reading, Webhook):
            age_counts = now if incoming.kind != "replay" else None
            verdict, problem = verify_callback(reading, callback, self.secret, self.method, age_counts)
        rejection = ""
        if self.require_signature and (problem or verdict != "valid"):
            rejection = f"the signature is {'stale' if verdict == 'valid' else verdict}"
            rejection += f": {problem}" if verdict == "invalid" and problem else ""
        return _Evaluation(incoming, now, reading, verdict, problem, rejection)

    def _handle_other(self, incoming: IncomingRequest) -> int:
        # Report probes before responding: the caller waits for this event after it gets its 200.
        if incoming.kind == "refused":
            self._publish_refused(incoming.status, _REFUSALS.get(incoming.status, "not a callback"))
        elif incoming.callback.header(REACHABILITY_HEADER) == self.nonce:
            self.reached.set()
        else:
            self.publish(Probe(one_line(incoming.callback.header("User-Agent") or "", 60)))
        return incoming.status

    def _publish_all(self, evaluations: Sequence["_Evaluation"]) -> None:
        for evaluation in evaluations:
            if evaluation.rejection:
                self._publish_refused(_REJECTED, evaluation.rejection)
            elif isinstance(evaluation.file, StoreError):  # a full disk, or a directory that was removed
                self.publish(NotRecorded(evaluation.file.message, evaluation.file.hint))
            else:
                self._publish_receipt(evaluation, evaluation.file)

    def _publish_receipt(self, evaluation: "_Evaluation", file: str) -> None:
        reading, callback = evaluation.reading, evaluation.incoming.callback
        receipt = webhook_in(reading)
        message_id, err_code = one_line(receipt.message_id, 60), one_line(receipt.err_code, 30)
        replay = evaluation.incoming.kind == "replay"
        latency_ms, order = self._compare(receipt, evaluation.now, is_new=not replay)
        sent = self.sends(receipt.message_id)
        event = ReceiptTaken(
            file=file,
            message_id=message_id,
            status=one_line(receipt.status, 30),
            err_code=err_code,
            meaning=meaning(err_code, receipt.status),
            signature=evaluation.verdict,
            network=one_line(receipt.network, 20),
            latency_ms=latency_ms,
            msisdn=_masked(receipt.recipient),
            transport=callback.transport,
            problem=reading.problem,
            replay=replay,
            triggered=evaluation.incoming.kind == "triggered",
            forwarded=bool(file and self.forward),
            order=order,
            sender=one_line(mask_number(receipt.sender), 30),
            client_ref=one_line(mask_number(receipt.client_ref), 100),
            part=sent.number_of(receipt.message_id) if sent else receipt.part,
            parts=len(sent.parts) if sent else receipt.parts if receipt.part else 0,
            sent_ms=sent.milliseconds_until(evaluation.now) if sent else None,
            who=one_line(evaluation.who, 60),
            recorded_at=format_time(evaluation.now) if evaluation.is_relayed else "",
            kind=reading.kind,
            channel=one_line(receipt.channel, 30) if reading.kind != "unreadable" else "",
            message_type=one_line(receipt.message_type, 30),
            text=mask_numbers_in(one_line(receipt.body_text, _MAX_TEXT)),
            signature_problem=evaluation.signature_problem,
        )
        self.publish(event)
        if evaluation.incoming.kind == "receipt" and event.kind == "messages-status" and not sent:
            self._explain_status("" if evaluation.verdict == "invalid" else callback.header("Authorization"))
        if file and self.forward:
            self.forward(callback, message_id, file)

    def _compare(self, receipt: Webhook, now: datetime, *, is_new: bool) -> tuple[int | None, Anomaly]:
        """Milliseconds since the first receipt of the message, None for the first one; and how it is out of order.

        The milliseconds are 0 when the clock was set back meanwhile. is_new: not a replay; counted and remembered.
        """
        with self._lock:
            self.recorded += is_new
            self.other_webhooks += is_new and receipt.kind != "sms-receipt"
            if not receipt.message_id:
                return None, ""
            first, history = self._messages.setdefault(receipt.message_id, (now, MessageHistory()))
            if len(self._messages) > _MAX_MESSAGES:
                self._messages.popitem(last=False)
            order = history.compare(receipt) if is_new else ""
            if is_new and history.count < _MAX_RECEIPTS:
                history.add(receipt)
        return None if first is now else max(0, int((now - first).total_seconds() * 1000)), order

    def _explain_status(self, token: str | None) -> None:
        """Say once why a status came to the URL for receipts. token: empty for an invalid one, None without one."""
        from devkit.webhook.jwt import application_in  # here: most sessions get no status

        with self._lock:
            expected, self.expects_messages = self.expects_messages, True
        if not expected:
            application_id = application_in(token)
            text = _STATUS_OF_APPLICATION if application_id else _STATUS_AT_RECEIPT_URL
            self.publish(Notice(text.format(id=application_id)))

    def _publish_refused(self, status: int, reason: str) -> None:
        with self._lock:
            if reason not in self._refused and len(self._refused) >= _MAX_REASONS:
                reason = reason.partition(":")[0]
            # Counted for each reason: the terminal shows the first of each, and a 404 must not hide a bad signature.
            self._refused[reason] += 1
            count = self._refused[reason]
        self.publish(Refused(status, reason, count))


_RECEIPTS = ("receipt", "triggered", "replay")  # kinds of requests


@dataclass(slots=True)
class _Evaluation:
    """What was read and checked of one webhook.

    signature_problem: as in the event. rejection: why it is refused, empty when it is not.
    file: where it was recorded, or why it could not be; empty when it is not recorded. who: its owner, of a relay's.
    """

    incoming: IncomingRequest
    now: datetime
    reading: Webhook | Unreadable
    verdict: Verdict
    signature_problem: str = ""
    rejection: str = ""
    file: str | StoreError = ""
    who: str = ""
    is_relayed: bool = False

    @property
    def is_to_record(self) -> bool:
        return self.incoming.kind != "replay" and not self.rejection

    @property
    def fixture(self) -> Fixture:
        return Fixture(
            self.now,
            self.incoming.callback,
            signature=self.verdict,
            captured=self.incoming.captured,
            tags=(TRIGGERED,) if self.incoming.kind == "triggered" else (),
            note=self.signature_problem,
        )

    @property
    def status(self) -> int:
        if self.rejection:
            return _REJECTED
        return 503 if isinstance(self.file, StoreError) else 200


def _masked(msisdn: str) -> str:
    # Not by its digits: "+44 7700 900001" is a number too, and in this field any text may be one.
    text = one_line(msisdn, 30)
    return "*" * (len(text) - 3) + text[-3:]
