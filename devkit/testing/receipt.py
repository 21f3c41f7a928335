"""A receipt for a test: the callback that carries it, what it says, and how to make one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Literal

from devkit.callback import Callback, Transport, compose
from devkit.message_id import IdStyle, message_id
from devkit.receipt import Receipt, Unreadable, read
from devkit.receipt_fields import make_fields
from devkit.redact import one_line
from devkit.testing.field import Fields, changed, changes, hide_numbers, masked
from devkit.trigger import default_err_code

Via = Literal["GET", "POST", "JSON"]  # as the dashboard calls the account's three methods
TRANSPORTS: dict[Via, Transport] = {"GET": "get", "POST": "form", "JSON": "json"}

# Made receipts are the same in each run, and all of them are about one message unless the test says otherwise.
MOMENT = datetime(2020, 1, 1, 12, 0, 0, tzinfo=UTC)
_MESSAGE = 0x3C7E09B15A4D2F680A0000001234567B
_HOST = "dlr.example.com"


@dataclass(frozen=True, slots=True, repr=False)
class TestReceipt:
    """A callback and what it says. name: of its file, without `.json`; or its status, when it was made.

    recorded_at: UTC; the same fixed moment for all that were made.
    """

    __test__: ClassVar[bool] = False  # the name is for people; pytest must not take it for a class of tests

    callback: Callback
    name: str = "receipt"
    recorded_at: datetime = MOMENT

    def __repr__(self) -> str:
        said = self.problem or f"{self.status} err-code={self.err_code or '-'}"
        message = (
            f" messageId={masked('messageId', one_line(self.message_id, 40))}" if self.message_id else ""
        )
        return (
            f"<TestReceipt {hide_numbers(self.name)}: {hide_numbers(one_line(said))}{message} via {self.via}>"
        )

    @property
    def reading(self) -> Receipt | Unreadable:
        return read(self.callback)

    @property
    def fields(self) -> Fields:
        """What arrived, under the vendor's names; empty when it can't be read as a receipt."""
        reading = self.reading
        return Fields(reading.fields if isinstance(reading, Receipt) else {})

    @property
    def problem(self) -> str:
        """Why it can't be read as a receipt; empty when it can."""
        reading = self.reading
        return reading.problem if isinstance(reading, Unreadable) else ""

    @property
    def status(self) -> str:
        return self._text("status")

    @property
    def err_code(self) -> str:
        return self._text("err-code")

    @property
    def message_id(self) -> str:
        return self._text("messageId")

    @property
    def client_ref(self) -> str:
        return self._text("client-ref")

    @property
    def via(self) -> Via:
        transport = self.callback.transport
        return next(via for via, name in TRANSPORTS.items() if name == transport)

    def _text(self, name: str) -> str:
        reading = self.reading
        return reading.text(name) if isinstance(reading, Receipt) else ""


def make_receipt(
    status: str = "delivered",
    via: Via = "GET",
    *,
    fields: Mapping[str, object] | None = None,
    id_style: IdStyle = "uuid",
    **named: object,
) -> TestReceipt:
    """A receipt as Vonage would send it; the same in each run.

    id_style: of its message id, `hex` for the 16 characters of before 2022.
    named: fields by their Python names, such as err_code, message_id, client_ref. fields: by the vendor's
    names, or names that no vendor knows. None leaves a field out.
    The err-code is 0 for accepted, buffered and delivered, and 1 (unknown) for any other status.
    Raises TypeError for an unknown name, ValueError for an unknown `via` or id_style.
    """
    default = make_fields(
        status, default_err_code(status), message_id=message_id(_MESSAGE, id_style), pushed_at=MOMENT
    )
    made = changed(default, changes(fields, named))
    return TestReceipt(compose(made, transport_of(via), host=_HOST), name=status)


def transport_of(via: str) -> Transport:
    """The transport that one of GET, POST and JSON means. Raises ValueError."""
    for known, transport in TRANSPORTS.items():
        if via == known:
            return transport
    raise ValueError(f"via={via!r} is none of {', '.join(TRANSPORTS)}")
