"""One receipt as the list shows it, and a bounded memory of those that were read."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import unquote

from devkit.callback import Transport
from devkit.errors import FixtureError
from devkit.fixture import Fixture, load
from devkit.inspector.index import entry_of
from devkit.receipt import Receipt, Unreadable
from devkit.redact import mask_number
from devkit.signature import Method, Verdict, verify
from devkit.store import Store
from devkit.vocabulary import ERR_CODES, STATUSES, WITHOUT_ERROR, meaning

_KEPT = 20_000  # rows, about a kilobyte each
_SEARCHED = 4_000  # characters of a receipt; one has a few hundred


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """A receipt in short. status: empty for what is none; then problem says why. text: what a search looks at."""

    key: str
    at: datetime
    message_id: str
    status: str
    err_code: str
    msisdn: str
    network: str
    transport: Transport
    signature: Verdict
    problem: str
    text: str

    @property
    def meaning(self) -> str:
        """The err-code in words; empty when it says nothing that the status does not."""
        if not self.err_code or (self.err_code == "0" and self.status in WITHOUT_ERROR):
            return ""
        return meaning(self.err_code, self.status)

    def number(self, *, whole: bool) -> str:
        """The recipient, masked unless it is asked for whole."""
        return self.msisdn if whole else mask_number(self.msisdn)


@dataclass(slots=True)
class Rows:
    """Reads recordings and remembers the rows of those asked for last. For any thread."""

    store: Store
    secret: str = field(default="", repr=False)
    method: Method = "md5hash"
    limit: int = _KEPT
    _rows: OrderedDict[str, Row] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def path(self, key: str) -> Path:
        return self.store.recorded / key

    def knows(self, key: str) -> bool:
        """Whether a row is remembered, so that it costs nothing."""
        return key in self._rows

    def read(self, key: str) -> Row | None:
        """The row of a recording; None when the file has gone."""
        with self._lock:
            if key in self._rows:
                self._rows.move_to_end(key)
                return self._rows[key]
        row = self._load(key)
        if row is not None:
            with self._lock:
                self._rows[key] = row
                while len(self._rows) > self.limit:
                    self._rows.popitem(last=False)
        return row

    def _load(self, key: str) -> Row | None:
        entry = entry_of(self.store, key)
        path = self.path(key)
        if entry is None or not path.is_file():
            return None
        try:
            return make_row(key, load(path), self.secret, self.method)
        except FixtureError as error:
            problem = f"The file cannot be read: {error.message.removeprefix(f'{path}: ')}"
            return Row(key, entry.recorded_at, "", "", "", "", "", "get", "absent", problem, problem.lower())


def make_row(key: str, fixture: Fixture, secret: str, method: Method) -> Row:
    """The row of a fixture. secret, method: to check a signature that nobody looked at when it was recorded."""
    reading = fixture.read()
    receipt = reading if isinstance(reading, Receipt) else Receipt({})
    return Row(
        key=key,
        at=fixture.recorded_at,
        message_id=receipt.message_id,
        status=receipt.status,
        err_code=receipt.err_code,
        msisdn=receipt.text("msisdn"),
        network=receipt.text("network-code"),
        transport=fixture.callback.transport,
        signature=fixture.signature or verify(receipt.fields, secret, method),
        problem=reading.problem if isinstance(reading, Unreadable) else "",
        text=_searched(key, fixture, receipt),
    )


def _searched(key: str, fixture: Fixture, receipt: Receipt) -> str:
    lines = [f"{name}={receipt.text(name)}" for name in receipt.fields]
    if receipt.err_code in ERR_CODES and receipt.err_code != "0":
        lines.append(ERR_CODES[receipt.err_code].name)
    if receipt.status in STATUSES:
        lines.append(STATUSES[receipt.status].meaning)
    if not lines:
        lines = [unquote(fixture.callback.target), fixture.callback.body.decode("utf-8", "replace")]
    return "\n".join([*lines, key])[:_SEARCHED].lower()
