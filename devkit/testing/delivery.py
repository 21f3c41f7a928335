"""Delivers receipts to code under test: one, or many with the faults of order and number that real ones have."""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from devkit.callback import CALLBACK_PATH, Callback
from devkit.replay.pace import AT_ONCE
from devkit.replay.plan import ORDERS, Arrangement, Order, Recording, arrange
from devkit.replay.rewrite import with_path, without_secret
from devkit.testing.answer import Answer
from devkit.testing.receipt import TestReceipt
from devkit.testing.target import Target, sender_to


def deliver(receipt: TestReceipt, to: Target, *, path: str = "") -> Answer:
    """Hand a receipt to code, as Vonage would; gives what the code answered.

    to: a test client of Flask, Werkzeug, Django, Starlette, FastAPI or httpx; a WSGI application; a URL on
    this machine; or a function that takes the fields as a dict. An int that it returns is the status, else 200.
    path: of the callback URL, `/webhooks/delivery-receipt` when left out; a URL may hold it instead.
    Host and length are the target's own, never the recorded ones. A URL is sent X-Devkit-Replay as well, so that
    a running `devkit dev` shows the receipt and does not record it.
    What the code raises comes through. Raises TypeError for what can't take receipts, and PushError.
    """
    return sender_to(to)(_at(receipt.callback, path or _path_in(to)))


def deliver_all(
    receipts: Iterable[TestReceipt],
    to: Target,
    *,
    path: str = "",
    order: Order = "recorded",
    duplicates: int = 0,
    seed: int = 0,
    speed: float = AT_ONCE,
    sleep: Callable[[float], object] = time.sleep,
) -> list[Answer]:
    """Hand receipts to code one after the other; gives the answers in the order of delivery.

    order: `recorded` as they are given, `reversed`, or `shuffle`; the same seed always gives the same order.
    duplicates: how often each is sent again, right after it.
    speed: 1 waits between receipts as long as lay between their recordings, 10 a tenth of it; no wait by default.
    Raises as `deliver`, and ValueError for an unknown order.
    """
    if order not in ORDERS:
        raise ValueError(f"order={order!r} is none of {', '.join(ORDERS)}")
    recordings = [
        Recording(Path(one.name), one.recorded_at, _at(one.callback, path or _path_in(to)))
        for one in receipts
    ]
    send, answers, now = sender_to(to), [], 0.0
    for shot in arrange(recordings, Arrangement(order, seed, duplicate=1 + duplicates, speed=speed)):
        if shot.due > now:
            sleep(shot.due - now)
            now = shot.due
        answers.append(send(shot.recording.callback))
    return answers


def _path_in(to: Target) -> str:
    if not isinstance(to, str):
        return CALLBACK_PATH
    parts = urlsplit(to if "://" in to else f"http://{to}")
    path = parts.path if parts.path.strip("/") else CALLBACK_PATH
    return f"{path}?{parts.query}" if parts.query else path


def _at(callback: Callback, path: str) -> Callback:
    # The recorded path is never used: it can end in the secret token of a callback URL, which headers can hold too.
    return replace(without_secret(callback), target=with_path(callback.target, path))
