"""Pushes receipts to callback URLs, in order, with retries."""

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from devkit.errors import PushError, UsageError
from devkit.http.address import Address, target_of
from devkit.http.client import Push
from devkit.simulator.options import POLICIES, SimulatorOptions, callback_address
from devkit.simulator.outcomes import OutcomeStep
from devkit.simulator.state import Delivery, History, Message, Simulator
from devkit.webhook.callback import Callback, compose
from devkit.webhook.receipt_fields import make_fields
from devkit.webhook.signature import Signer, sign_fields
from devkit.webhook.vocabulary import STATUSES


@dataclass(frozen=True, slots=True)
class PendingDelivery:
    """A receipt to push. Each attempt sends the same bytes. first_at: of the first attempt, simulated seconds."""

    message: Message
    step: OutcomeStep
    callback: Callback
    address: Address
    first_at: float


def _receipt_fields(
    message: Message, step: OutcomeStep, options: SimulatorOptions, now: float
) -> dict[str, str]:
    # Captures of one message show `scts` in UTC for accepted and in local time for delivered
    # (Vonage's tutorial "How to Receive an SMS Delivery Receipt with Python", a UK number).
    offset = message.network.offset if STATUSES[step.status].final else 0
    fields = make_fields(
        step.status,
        step.err_code,
        message_id=message.message_id,
        pushed_at=datetime.fromtimestamp(now, UTC),
        carrier_time=datetime.fromtimestamp(message.at + step.after + offset, UTC),
        msisdn=message.recipient,
        sender=message.sender,
        network_code=message.network.code,
        price=str(message.network.price),
        client_ref=message.client_ref,
        api_key=options.api_key,
    )
    if not options.sign_receipts:
        return fields
    signer = Signer(options.signature_secret, options.signature_method)
    return sign_fields(fields, signer, datetime.fromtimestamp(now, UTC), str(uuid.uuid4()))


class DeliveryWorker:
    """Pushes the receipts of messages.

    The next receipt of a message is due when the first attempt with the one before is over, so first attempts keep
    the promised order. Retries do not wait for each other, as on the platform, where each callback is retried
    individually (support article 360028543292).
    """

    def __init__(self, simulator: Simulator, push: Push) -> None:
        self._simulator = simulator
        self._push = push

    def schedule(self, message: Message) -> None:
        """Schedule the receipts of a message. An early receipt is pushed, and answered, before this returns."""
        history = self._simulator.history
        deliver = self._deliver if message.outcome.early else self._schedule
        deliver(history, message, message.outcome.steps)

    def _schedule(self, history: History, message: Message, steps: tuple[OutcomeStep, ...]) -> None:
        if steps:
            due = message.at + steps[0].after
            self._simulator.schedule(due, partial(self._deliver, history, message, steps), history)

    def _deliver(self, history: History, message: Message, steps: tuple[OutcomeStep, ...]) -> None:
        step, *later = steps
        pending = self._pending(history, message, step)
        if pending is not None:
            for _ in range(step.copies):
                self._attempt(history, pending, 1)
        self._schedule(history, message, tuple(later))

    def _pending(self, history: History, message: Message, step: OutcomeStep) -> PendingDelivery | None:
        simulator, now = self._simulator, self._simulator.clock.now()
        url = message.callback_url or simulator.account.dr_callback_url
        try:
            if not url:
                raise UsageError(
                    "the account has no callback URL", hint="Set drCallBackUrl at /account/settings"
                )
            address = callback_address(url, simulator.options)
        except UsageError as error:
            self._record(history, replace(_delivery(message, step, 1, now), problem=error.message))
            return None
        fields = _receipt_fields(message, step, simulator.options, now)
        callback = compose(fields, simulator.account.method, target=target_of(address), host=address.netloc)
        return PendingDelivery(message, step, callback, address, now)

    def _attempt(self, history: History, pending: PendingDelivery, number: int) -> None:
        delivery, may_retry = self._send(pending, number)
        now = self._simulator.clock.now()
        policy = POLICIES[self._simulator.options.retry]
        delay = policy.next_delay(delivery.answer, number, now - pending.first_at) if may_retry else None
        if delay is None:
            self._record(history, delivery)
            return
        self._record(history, replace(delivery, retry_at=now + delay))
        retry = partial(self._attempt, history, pending, number + 1)
        self._simulator.schedule(now + delay, retry, history)

    def _send(self, pending: PendingDelivery, number: int) -> tuple[Delivery, bool]:
        """The attempt, and whether the retry policy applies to it."""
        delivery = _delivery(pending.message, pending.step, number, self._simulator.clock.now())
        try:
            response = self._push(pending.callback, pending.address)
        except PushError as error:
            return replace(delivery, problem=error.reason, sent_again=error.sent_again), True
        except (
            UsageError
        ) as error:  # the host name leads off this machine: a retry would fail in the same way
            return replace(delivery, problem=error.message), False
        return replace(delivery, answer=response.status, sent_again=response.sent_again), True

    def _record(self, history: History, delivery: Delivery) -> None:
        history.deliveries.append(delivery)
        self._simulator.watch(delivery)


def _delivery(message: Message, step: OutcomeStep, number: int, at: float) -> Delivery:
    return Delivery(message.message_id, step.status, step.err_code, number, at, answer=None)
