"""What a running simulator shows of itself."""

import math
from dataclasses import asdict
from datetime import UTC, datetime

from devkit.simulator.change import READERS
from devkit.simulator.ledger import Delivery, Message
from devkit.simulator.option import SimulatorOptions
from devkit.simulator.simulator import Simulator

SHOWN = 100  # messages and deliveries, the newest


def describe(simulator: Simulator) -> dict[str, object]:
    """All that there is to see: time, account, options, messages, deliveries. No secret is among it."""
    account, messages, deliveries = simulator.account, simulator.messages, simulator.deliveries
    return {
        "url": simulator.url,
        "now": time_text(simulator.clock.now()),
        "account": {**asdict(account), "api_key": simulator.api_key, "balance": str(account.balance)},
        "options": _options(simulator.options),
        "counts": {"messages": len(messages), "deliveries": len(deliveries), "due": simulator.due},
        "messages": [_message(message) for message in messages[-SHOWN:]],
        "deliveries": [_delivery(delivery) for delivery in deliveries[-SHOWN:]],
    }


def time_text(moment: float) -> str:
    """A moment as UTC text, to the second."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _options(options: SimulatorOptions) -> dict[str, object]:
    shown = {name: getattr(options, name) for name in READERS if name != "signature_secret"}
    return shown | {
        "speed": "max" if math.isinf(options.speed) else options.speed,
        "balance": str(options.balance),
        "pace": asdict(options.pace),
        "faults": [asdict(fault) for fault in options.faults],
    }


def _message(message: Message) -> dict[str, object]:
    return {
        "message_id": message.message_id,
        "recipient": message.recipient,
        "sender": message.sender,
        "text": message.text,
        "client_ref": message.client_ref,
        "callback_url": message.callback_url,
        "network": message.network.code,
        "at": time_text(message.at),
        "promised": [f"{step.status} {step.err_code}" for step in message.outcome.steps],
    }


def _delivery(delivery: Delivery) -> dict[str, object]:
    retry_at = None if delivery.retry_at is None else time_text(delivery.retry_at)
    return {**asdict(delivery), "at": time_text(delivery.at), "retry_at": retry_at}
