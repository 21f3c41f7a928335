"""Delivers the receipts of messages: each in its time, again when it was not taken, in the promised order."""

import uuid
from dataclasses import dataclass
from functools import partial

from devkit.errors import PushError, UsageError
from devkit.push import parse_address
from devkit.simulator.clock import Clock
from devkit.simulator.ledger import Delivery, Ledger, Message
from devkit.simulator.line import Push
from devkit.simulator.outcome import Step
from devkit.simulator.parcel import Parcel, callback_for, fields, signed
from devkit.simulator.retry import POLICIES
from devkit.simulator.schedule import Action, Schedule
from devkit.simulator.state import State


@dataclass(frozen=True, slots=True)
class _Sent:
    """How an attempt ended. Fields as in `ledger.Delivery`. retry: the policy may have it tried again."""

    answer: int | None
    problem: str = ""
    retry: bool = True
    sent_again: bool = False


class Courier:
    """The next receipt of a message is due when the first attempt with the former one is over.

    So the order of first attempts is the promised one; retries go their own way, as on the platform,
    where each callback is retried individually (support article 360028543292).
    """

    def __init__(self, state: State, clock: Clock, schedule: Schedule, push: Push) -> None:
        self._state = state
        self._clock = clock
        self._schedule = schedule
        self._push = push

    def take(self, message: Message) -> None:
        """See to all receipts of a message. An early receipt is pushed, and answered, before this returns."""
        ledger = self._state.ledger
        steps = message.outcome.steps
        if message.outcome.early:
            self._deliver(ledger, message, steps)
        else:
            self._plan(ledger, message, steps)

    def _plan(self, ledger: Ledger, message: Message, steps: tuple[Step, ...]) -> None:
        if steps:
            due = message.at + steps[0].after
            self._later(ledger, due, partial(self._deliver, ledger, message, steps))

    def _deliver(self, ledger: Ledger, message: Message, steps: tuple[Step, ...]) -> None:
        step, *later = steps
        parcel = self._parcel(ledger, message, step)
        if parcel is not None:
            for _ in range(step.copies):
                self._attempt(ledger, parcel, 1)
        self._plan(ledger, message, tuple(later))

    def _parcel(self, ledger: Ledger, message: Message, step: Step) -> Parcel | None:
        options, account, now = self._state.options, self._state.account, self._clock.now()
        url = message.callback_url or account.dr_callback_url
        if not url:
            ledger.add_delivery(_undelivered(message, step, now, "the account has no callback URL"))
            return None
        try:
            address = parse_address(url, allow_remote=options.allow_remote)
        except UsageError as error:
            ledger.add_delivery(_undelivered(message, step, now, error.message))
            return None
        receipt = fields(message, step, now, options.api_key)
        if options.sign_receipts:
            receipt = signed(receipt, options, now, str(uuid.uuid4()))
        return Parcel(message, step, callback_for(receipt, account.method, address), address, now)

    def _attempt(self, ledger: Ledger, parcel: Parcel, number: int) -> None:
        began = self._clock.now()
        sent = self._send(parcel)
        now = self._clock.now()
        policy = POLICIES[self._state.options.retry]
        delay = policy.next_delay(sent.answer, number, now - parcel.first_at) if sent.retry else None
        retry_at = None if delay is None else now + delay
        ledger.add_delivery(
            Delivery(
                message_id=parcel.message.message_id,
                status=parcel.step.status,
                err_code=parcel.step.err_code,
                attempt=number,
                at=began,
                answer=sent.answer,
                problem=sent.problem,
                retry_at=retry_at,
                sent_again=sent.sent_again,
            )
        )
        if retry_at is not None:
            self._later(ledger, retry_at, partial(self._attempt, ledger, parcel, number + 1))

    def _later(self, ledger: Ledger, moment: float, action: Action) -> None:
        # A push that was under way during a reset ends here: its message is forgotten.
        self._state.if_current(ledger, partial(self._schedule.at, moment, action))

    def _send(self, parcel: Parcel) -> _Sent:
        try:
            answer = self._push(parcel.callback, parcel.address)
        except PushError as error:
            return _Sent(None, error.reason, sent_again=error.sent_again)
        except UsageError as error:  # not on this machine, and that is not allowed: no use in trying again
            return _Sent(None, error.message, retry=False)
        return _Sent(answer.status, sent_again=answer.sent_again)


def _undelivered(message: Message, step: Step, now: float, problem: str) -> Delivery:
    return Delivery(message.message_id, step.status, step.err_code, 1, now, None, problem)
