"""A receipt made ready to be pushed: its fields, its callback, its address. Pure, given the moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from devkit.callback import Callback, Transport, compose
from devkit.push import Address
from devkit.receipt_fields import make_fields
from devkit.signature import sign
from devkit.simulator.ledger import Message
from devkit.simulator.option import SimulatorOptions
from devkit.simulator.outcome import Step
from devkit.vocabulary import STATUSES


@dataclass(frozen=True, slots=True)
class Parcel:
    """One receipt on its way. first_at: the first attempt, simulated seconds. Retries send the same bytes."""

    message: Message
    step: Step
    callback: Callback
    address: Address
    first_at: float


def fields(message: Message, step: Step, now: float, api_key: str) -> dict[str, str]:
    """The fields of a receipt. now: when the push begins."""
    # Captures of one message show `scts` in UTC for accepted and in local time for delivered
    # (Vonage's tutorial "How to Receive an SMS Delivery Receipt with Python", a UK number).
    offset = message.network.offset if STATUSES[step.status].final else 0
    return make_fields(
        step.status,
        step.err_code,
        message_id=message.message_id,
        pushed_at=_utc(now),
        carrier_time=_utc(message.at + step.after + offset),
        msisdn=message.recipient,
        sender=message.sender,
        network_code=message.network.code,
        price=str(message.network.price),
        client_ref=message.client_ref,
        api_key=api_key,
    )


def signed(fields: Mapping[str, str], options: SimulatorOptions, now: float, nonce: str) -> dict[str, str]:
    """The fields with timestamp, nonce and sig. HMACs are upper-case, as in Vonage's samples."""
    whole = {**fields, "timestamp": str(int(now)), "nonce": nonce}
    sig = sign(whole, options.signature_secret, options.signature_method)
    return {**whole, "sig": sig if options.signature_method == "md5hash" else sig.upper()}


def callback_for(fields: Mapping[str, str], transport: Transport, address: Address) -> Callback:
    """The callback that carries these fields to an address."""
    return compose(fields, transport, target=target_of(address), host=address.netloc)


def target_of(address: Address) -> str:
    """The request target of a callback URL; `/` when the URL has no path."""
    return address.target if address.target.startswith("/") else f"/{address.target}"


def _utc(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC)
