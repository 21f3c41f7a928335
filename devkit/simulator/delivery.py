"""Pushes webhooks to their URLs, in order, with retries."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

from devkit.errors import PushError, UsageError
from devkit.http.address import Address
from devkit.http.client import Push
from devkit.simulator.occurrences import Delivery, Message
from devkit.simulator.options import POLICIES, callback_address
from devkit.simulator.outcomes import OutcomeStep
from devkit.simulator.state import History, Simulator
from devkit.simulator.webhooks import OutgoingWebhook, about
from devkit.webhook.callback import Callback


@dataclass(frozen=True, slots=True)
class PendingDelivery:
    """A webhook to push. callback: what the next attempt sends. first_at: of the first attempt, simulated seconds."""

    webhook: OutgoingWebhook
    callback: Callback
    address: Address
    first_at: float


class DeliveryWorker:
    """Pushes the receipts and statuses of messages, and inbound messages.

    The next receipt of a message is due when the first attempt with the one before is over, so first attempts keep
    the promised order. Retries do not wait for each other, as on the platform, where each callback is retried
    individually (support article 360028543292).
    """

    def __init__(self, simulator: Simulator, push: Push) -> None:
        self._simulator = simulator
        self._push = push

    def schedule(self, message: Message) -> None:
        """Schedule the webhooks about a message. An early one is pushed, and answered, before this returns."""
        history = self._simulator.history
        deliver = self._deliver if message.outcome.early else self._schedule
        deliver(history, message, message.outcome.steps)

    def schedule_inbound(self, parts: Iterable[tuple[float, Callable[[], OutgoingWebhook]]]) -> None:
        """Schedule the webhooks of an inbound message: each with the seconds until it is due."""
        history, now = self._simulator.history, self._simulator.clock.now()
        for seconds, make in parts:
            first = partial(self._push_first, history, make)
            self._simulator.schedule(now + seconds, first, history)

    def _schedule(self, history: History, message: Message, steps: tuple[OutcomeStep, ...]) -> None:
        if steps:
            due = message.at + steps[0].after
            self._simulator.schedule(due, partial(self._deliver, history, message, steps), history)

    def _deliver(self, history: History, message: Message, steps: tuple[OutcomeStep, ...]) -> None:
        step, *later = steps
        self._push_first(history, partial(about, message, step, self._simulator), step.copies)
        self._schedule(history, message, tuple(later))
        if not later and step.status == "rejected":
            self._send_fallback(history, message)

    def _send_fallback(self, history: History, message: Message) -> None:
        if not message.fallbacks:
            return
        first, *rest = message.fallbacks
        fallback = replace(first, at=self._simulator.clock.now(), fallbacks=tuple(rest))
        self._simulator.charge(fallback.network.price * fallback.parts)
        history.messages.append(fallback)
        self._simulator.watch(fallback)
        self._schedule(history, fallback, fallback.outcome.steps)

    def _push_first(self, history: History, make: Callable[[], OutgoingWebhook], copies: int = 1) -> None:
        webhook = make()
        if not webhook.url:
            self._record(history, replace(webhook.delivery, problem=webhook.without_url))
            return
        try:
            address = callback_address(webhook.url, self._simulator.options)
        except UsageError as error:
            self._record(history, replace(webhook.delivery, problem=error.message))
            return
        pending = PendingDelivery(webhook, webhook.compose(address), address, webhook.delivery.at)
        for _ in range(copies):
            self._attempt(history, pending, 1)

    def _attempt(self, history: History, pending: PendingDelivery, number: int) -> None:
        delivery, may_retry = self._send(pending, number)
        now = self._simulator.clock.now()
        delay = self._next_delay(delivery, now - pending.first_at) if may_retry else None
        if delay is None:
            self._record(history, delivery)
            return
        self._record(history, replace(delivery, retry_at=now + delay))
        self._simulator.schedule(now + delay, partial(self._retry, history, pending, number + 1), history)

    def _retry(self, history: History, pending: PendingDelivery, number: int) -> None:
        if self._simulator.options.fresh_token and pending.webhook.has_token:
            pending = replace(pending, callback=pending.webhook.compose(pending.address))
        self._attempt(history, pending, number)

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
