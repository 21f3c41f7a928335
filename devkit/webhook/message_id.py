"""Message ids: the two forms that Vonage gives out, and how each is shown. Pure.

Receipts and send answers of 2022 and later have a UUID in lower case, 36 characters: Vonage's tutorial "How to Receive
an SMS Delivery Receipt with Node.js" (2023) prints such a receipt. Older ones have 14 to 17 upper-case hexadecimal
digits, mostly 16 (Vonage/vonage-php-sdk-core, test/SMS/requests/dlr-*.txt, 2020). Inbound messages still have those.
"""

import re
from typing import Literal, get_args

IdStyle = Literal["uuid", "hex"]
ID_STYLES: tuple[IdStyle, ...] = get_args(IdStyle)

_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_SHOWN = 8  # characters: enough to tell messages apart


def message_id(number: int, style: IdStyle = "uuid") -> str:
    """The id that a number stands for: a random one gives a random id, the same one the same id.

    uuid: 128 bits of the number count. hex: 64 bits. Raises ValueError for an unknown style.
    """
    if style == "hex":
        return f"{number % 2**64:016X}"
    if style != "uuid":
        raise ValueError(f"id_style={style!r} is none of {', '.join(ID_STYLES)}")
    # By hand, since `import uuid` would cost every short command a millisecond. 4 and 8 to b: a random UUID.
    digits = f"{number % 2**128:032x}"
    variant = f"{8 + int(digits[16], 16) % 4:x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def is_uuid(text: str) -> bool:
    """Whether an id is a UUID, in either letter case."""
    return _UUID.fullmatch(text) is not None


def short_id(text: str) -> str:
    """Eight characters that tell a message from others: the first of a UUID, which are a selector, too.

    The last of an older id: many of those begin alike.
    """
    return text[:_SHOWN] if is_uuid(text) else text[-_SHOWN:]


def from_file_name(text: str) -> str:
    """An id as a file name says it: a UUID, whose dashes are underscores there, gets them back."""
    spelled = text.replace("_", "-")
    return spelled if is_uuid(spelled) else text
