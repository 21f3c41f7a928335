"""What the platform remembers: messages and attempts to deliver their receipts. The newest ones only."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from devkit.simulator.network import Network
from devkit.simulator.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Message:
    """One part of a sent SMS. at: when it was sent, simulated seconds since the epoch.

    callback_url: the one that the send request named, else empty: then the account's counts.
    """

    message_id: str
    recipient: str
    sender: str
    text: str
    at: float
    network: Network
    outcome: Outcome
    client_ref: str = ""
    callback_url: str = ""

    def __repr__(self) -> str:
        return f"<Message {self.message_id}>"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to push one receipt.

    attempt: from 1. at: simulated seconds since the epoch. answer: the HTTP status, None when none came;
    then `problem` says why. retry_at: when it is tried again, None when it is not. sent_again: within this attempt, on
    a new connection, because one that was used before ended before an answer began.
    """

    message_id: str
    status: str
    err_code: str
    attempt: int
    at: float
    answer: int | None
    problem: str = ""
    retry_at: float | None = None
    sent_again: bool = False


class Ledger:
    """Messages and deliveries in the order in which they happened. Appending is safe from any thread.

    watch: called with each, in the thread that appends.
    """

    def __init__(self, keep: int, watch: Callable[[Message | Delivery], None]) -> None:
        self._watch = watch
        self._messages: deque[Message] = deque(maxlen=keep)
        self._deliveries: deque[Delivery] = deque(maxlen=keep)

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(self._messages.copy())

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        return tuple(self._deliveries.copy())

    def add_message(self, message: Message) -> None:
        self._messages.append(message)
        self._watch(message)

    def add_delivery(self, delivery: Delivery) -> None:
        self._deliveries.append(delivery)
        self._watch(delivery)
