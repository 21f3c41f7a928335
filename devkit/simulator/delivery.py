"""Pushes webhooks to their URLs, in order, with retries."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

from devkit.errors import PushError, UsageError
from devkit.http.address import Address
from devkit.simulator.occurrences import Delivery, Message
from devkit.simulator.options import POLICIES, callback_address
from devkit.simulator.outcomes import OutcomeStep
from devkit.simulator.scheduler import Action
from devkit.simulator.state import Simulator
from devkit.simulator.webhooks import OutgoingWebhook, outcome_webhook
from devkit.webhook.callback import Callback

_Make = Callable[[], OutgoingWebhook]  # called when the webhook is due

_INBOUND_DELAY = 0.3  # seconds until an inbound message, or its first part, is pushed


@dataclass(frozen=True, slots=True)
class PendingDelivery:
    """A webhook to push. callback: what the next attempt sends. first_at: of the first attempt, simulated seconds."""

    webhook: OutgoingWebhook
    callback: Callback
    address: Address
    first_at: float


class DeliveryWorker:
    """Pushes the receipts and statuses of messages, and inbound messages, until the next reset.

    The next receipt of a message is scheduled when the first attempt to push the previous one has ended, so first
    attempts keep the promised order. Retries do not wait for each other: the platform retries each callback
    individually (support article 360028543292).
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._history = simulator.history  # a reset replaces it

    def schedule(self, message: Message) -> None:
        """Schedule the webhooks about a message. An early one is pushed, and answered, before this returns."""
        deliver = self._deliver if message.outcome.early else self._schedule
        deliver(message, message.outcome.steps)

    def schedule_inbound(self, webhooks: Iterable[_Make], pause: float) -> None:
        """Schedule the webhooks of an inbound message. pause: seconds between two of them."""
        first = self._simulator.clock.now() + _INBOUND_DELAY
        for place, make in enumerate(webhooks):
            self._at(first + place * pause, partial(self._push_first, make))

    def _schedule(self, message: Message, steps: tuple[OutcomeStep, ...]) -> None:
        if steps:
            due = message.at + steps[0].after
            self._at(due, partial(self._deliver, message, steps))

    def _deliver(self, message: Message, steps: tuple[OutcomeStep, ...]) -> None:
        step, *later = steps
        self._push_first(partial(outcome_webhook, message, step, self._simulator), step.copies)
        self._schedule(message, tuple(later))
        if not later and step.status == "rejected" and message.fallbacks:
            self._send_fallback(message)

    def _send_fallback(self, message: Message) -> None:
        first, *rest = message.fallbacks
        fallback = replace(first, at=self._simulator.clock.now(), fallbacks=tuple(rest))
        self._simulator.charge(fallback.network.price * fallback.parts)
        self._history.messages.append(fallback)
        self._simulator.watch(fallback)
        self._schedule(fallback, fallback.outcome.steps)

    def _push_first(self, make: _Make, copies: int = 1) -> None:
        webhook = make()
        if not webhook.url:
            self._record(replace(webhook.delivery, problem=webhook.without_url))
            return
        try:
            address = callback_address(webhook.url, self._simulator.options)
        except UsageError as error:
            self._record(replace(webhook.delivery, problem=error.message))
            return
        pending = PendingDelivery(webhook, webhook.compose(address), address, webhook.delivery.at)
        for _ in range(copies):
            self._attempt(pending, 1)

    def _attempt(self, pending: PendingDelivery, number: int) -> None:
        delivery, may_retry = self._send(pending, number)
        now = self._simulator.clock.now()
        delay = self._next_delay(delivery, now - pending.first_at) if may_retry else None
        if delay is None:
            self._record(delivery)
            return
        self._record(replace(delivery, retry_at=now + delay))
        self._at(now + delay, partial(self._retry, pending, number + 1))

    def _retry(self, pending: PendingDelivery, number: int) -> None:
        if self._simulator.options.fresh_token and pending.webhook.has_token:
            pending = replace(pending, callback=pending.webhook.compose(pending.address))
        self._attempt(pending, number)

    def _next_delay(self, delivery: Delivery, age: float) -> float | None:
        options, is_sms = self._simulator.options, delivery.kind.startswith("sms-")
        policy = POLICIES[options.retry if is_sms else options.messages_retry]
        is_receipt = delivery.kind == "sms-receipt"
        return policy.next_delay(delivery.answer, delivery.attempt, age, is_receipt=is_receipt)

    def _send(self, pending: PendingDelivery, number: int) -> tuple[Delivery, bool]:
        """The attempt, and whether the retry policy applies to it."""
        at = self._simulator.clock.now()
        delivery = replace(pending.webhook.delivery, attempt=number, at=at)
        try:
            response = self._simulator.push(pending.callback, pending.address)
        except PushError as error:
            return replace(delivery, problem=error.reason, sent_again=error.sent_again), True
        except UsageError as error:  # the name leads off this machine: a retry would fail in the same way
            return replace(delivery, problem=error.message), False
        return replace(delivery, answer=response.status, sent_again=response.sent_again), True

    def _at(self, moment: float, action: Action) -> None:
        self._simulator.schedule(moment, action, self._history)

    def _record(self, delivery: Delivery) -> None:
        self._history.deliveries.append(delivery)
        self._simulator.watch(delivery)
