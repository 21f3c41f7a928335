"""The fault matrix: what real receipts do to a handler, as cases for one parametrized test."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta

from devkit.testing.deliver import HandlerResponse, Target, deliver, deliver_all, is_function
from devkit.testing.factories import make_receipt
from devkit.testing.sample_webhook import SampleWebhook, with_callback, with_fields
from devkit.testing.signing import NONCE, resign
from devkit.webhook.callback import TRANSPORTS, Transport
from devkit.webhook.receipt import make_message_id
from devkit.webhook.signature import Method
from devkit.webhook.vocabulary import parse_transport

_EXPIRY = timedelta(hours=72)  # then Vonage itself says `expired` (support article 115007053127)
_NOT_FINAL = ("accepted", "buffered", "submitted")
_SIGNED = {"timestamp": "1577880000", "nonce": NONCE}

Make = Callable[..., SampleWebhook]


@dataclass(frozen=True, slots=True)
class FaultCase:
    """One fault. receipts: in the order of delivery.

    final: the status of each message id that a correct handler has at the end; empty where no document defines it.
    early: the receipts arrive before the send call has returned. at_once: they arrive at the same time.
    refusable: the handler may answer with a client error (4xx), because this is no valid receipt.
    forged: the last one is not from Vonage: the handler must refuse it with an error (4xx or 5xx).
    """

    name: str
    receipts: tuple[SampleWebhook, ...] = field(repr=False)
    final: Mapping[str, str] = field(repr=False)
    early: bool = False
    at_once: bool = False
    refusable: bool = False
    forged: bool = False

    @property
    def message_ids(self) -> tuple[str, ...]:
        """The message ids of the receipts, each once."""
        return tuple(dict.fromkeys(receipt.message_id for receipt in self.receipts if receipt.message_id))

    def deliver(
        self, to: Target, *, path: str = "", sent: Callable[[str], object] | None = None
    ) -> list[HandlerResponse]:
        """Deliver the receipts of the case and return the responses.

        to, path: as for `devkit.testing.deliver`. sent: called with each message id when the send call has
        returned it: before the receipts, or after them in the early case.
        A function of the fields gets no callbacks without fields: its framework would reject them. It gets no forged
        ones either: the check of tokens is before it.
        Raises AssertionError for a response that Vonage does not accept.
        """
        receipts = self._for_function() if is_function(to) else self.receipts
        if sent and not self.early:
            self._report(sent)
        responses = _together(receipts, to, path) if self.at_once else deliver_all(receipts, to, path=path)
        if sent and self.early:
            self._report(sent)
        for receipt, response in zip(receipts, responses, strict=True):
            self._check(receipt, response)
        return responses

    def _for_function(self) -> tuple[SampleWebhook, ...]:
        genuine = self.receipts[:-1] if self.forged else self.receipts
        return tuple(receipt for receipt in genuine if not receipt.problem)

    def _report(self, sent: Callable[[str], object]) -> None:
        for each in self.message_ids:
            sent(each)

    def _check(self, receipt: SampleWebhook, response: HandlerResponse) -> None:
        status, is_right = response.status_code, response.accepted_by_vonage
        wanted = "Vonage wants 200"
        if self.forged and receipt is self.receipts[-1]:
            is_right, wanted = status >= 400, "it is not from Vonage: refuse it, such as with 401."
        elif self.refusable:
            is_right, wanted = is_right or 400 <= status < 500, f"{wanted}, or 4xx to refuse it"
        if not is_right:
            raise AssertionError(f"{self.name}: {receipt!r} was answered {status}; {wanted}")


def fault_cases(
    via: str | Sequence[str] = TRANSPORTS,
    *,
    only: Iterable[str] = (),
    skip: Iterable[str] = (),
    secret: str = "",
    method: Method = "md5hash",
) -> list[FaultCase]:
    """All cases, or those named in `only`, without those named in `skip`.

    via: the transports that the handler takes, as for `make_receipt`. The first is used for every case, and each
    has a case of its own.
    secret: signs all receipts except the one with the non-ASCII signature.
    Raises ValueError for an unknown name.
    """
    vias = [parse_transport(each) for each in ((via,) if isinstance(via, str) else via)]

    def make(status: str, via: Transport = vias[0], **fields: object) -> SampleWebhook:
        receipt = make_receipt(status, via, **fields)  # type: ignore[arg-type]  # `fields` may be among them
        return resign(receipt, secret, method) if secret else receipt

    cases = [*_transports(vias, make), *_sequences(make), *_oddities(make)]
    return select_cases(cases, only, skip, known=[f"via-{each}" for each in TRANSPORTS])


def select_cases(
    cases: Sequence[FaultCase], only: Iterable[str], skip: Iterable[str], *, known: Iterable[str] = ()
) -> list[FaultCase]:
    """The cases named in `only`, or all, without those in `skip`. known: names that are valid too.

    Raises ValueError for any other name.
    """
    names = [case.name for case in cases]
    only, skip = tuple(only), tuple(skip)
    unknown = sorted({*only, *skip} - {*names, *known})
    if unknown:
        raise ValueError(f"no fault case {', '.join(map(repr, unknown))}; there are {', '.join(names)}")
    return [case for case in cases if (not only or case.name in only) and case.name not in skip]


def _transports(vias: Sequence[Transport], make: Make) -> Iterator[FaultCase]:
    for via in vias:
        yield make_case(f"via-{via}", make("delivered", via))


def _sequences(make: Make) -> Iterator[FaultCase]:
    accepted, buffered, delivered = make("accepted"), make("buffered"), make("delivered")
    yield make_case("duplicate", delivered, delivered)
    yield make_case("concurrent-duplicate", delivered, delivered, at_once=True)
    yield make_case("reversed", delivered, buffered, accepted)
    yield make_case("late-buffered", accepted, delivered, buffered)
    yield make_case("before-send-returned", delivered, early=True)
    steps = [(status, part) for status in ("accepted", "delivered") for part in message_ids(3)]
    yield make_case("one-per-part", *(make(status, message_id=part) for status, part in steps))
    late = make("expired", message_timestamp="2020-01-04 12:00:00", scts="2001041200")
    yield make_case("expired", accepted, replace(late, recorded_at=accepted.recorded_at + _EXPIRY))


def _oddities(make: Make) -> Iterator[FaultCase]:
    yield make_case("unknown-status", make("undelivered"), final={})
    # Seen in the title of a support article.
    yield make_case("unknown-err-code", make("failed", err_code="95"))
    yield make_case("hex-id", make("delivered", id_style="hex"))
    yield make_case("missing-fields", make("delivered", network_code=None, scts=None, api_key=None))
    yield make_case("extra-field", make("delivered", fields={"new-field": "new"}))
    forged = with_fields(make("delivered"), fields={**_SIGNED, "sig": "não-é-assinatura"})
    yield make_case("non-ascii-signature", forged, final={}, refusable=True)
    yield make_case("json-array", as_array(make("delivered", "json")), final={}, refusable=True)


def make_case(
    name: str, *receipts: SampleWebhook, final: Mapping[str, str] | None = None, **flags: bool
) -> FaultCase:
    """final: None when each message ends with its only final status. flags: of `FaultCase`."""
    if final is None:
        final = {each.message_id: each.status for each in receipts if each.status not in _NOT_FINAL}
    named = tuple(replace(receipt, name=f"{name}-{place}") for place, receipt in enumerate(receipts, 1))
    return FaultCase(name, named, final, **flags)


def message_ids(count: int) -> list[str]:
    """Ids of different messages."""
    return [make_message_id(number << 96 | 0x5A4D2F680A0000001234567B) for number in range(1, count + 1)]


def as_array(receipt: SampleWebhook) -> SampleWebhook:
    """The receipt in a JSON array, which is no receipt."""
    body = b"[" + receipt.callback.body + b"]"
    return with_callback(receipt, replace(receipt.callback, body=body))


def _together(receipts: Sequence[SampleWebhook], to: Target, path: str) -> list[HandlerResponse]:
    barrier = threading.Barrier(len(receipts))

    def run(receipt: SampleWebhook) -> HandlerResponse:
        barrier.wait()
        return deliver(receipt, to, path=path)

    with ThreadPoolExecutor(len(receipts)) as pool:
        return list(pool.map(run, receipts))
