"""A recorded request as text: its headers, and all of its bytes."""

from devkit.webhook.callback import Callback, to_wire, without_secret
from devkit.webhook.masking import mask_numbers_in


def shown_headers(callback: Callback, *, numbers: bool) -> list[tuple[str, str]]:
    """The headers without the secret of the callback path. numbers: show phone numbers whole."""
    # The bytes of a value may be UTF-8.
    pairs = [
        (name, value.encode("latin-1", "replace").decode("utf-8", "backslashreplace"))
        for name, value in without_secret(callback).headers
    ]
    return pairs if numbers else [(name, mask_numbers_in(value)) for name, value in pairs]


def wire_text(callback: Callback) -> tuple[str, ...]:
    """The request as lines of text; bytes that are not UTF-8 are escaped."""
    text = to_wire(callback).decode("utf-8", "backslashreplace")
    return tuple(line.removesuffix("\r") for line in text.split("\n"))


def wire_hex(callback: Callback) -> str:
    """The request as a hex dump, sixteen bytes a line."""
    data = to_wire(callback)
    lines = []
    for at in range(0, len(data), 16):
        part = data[at : at + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{at:06x}  {part[:8].hex(' '):<23}  {part[8:].hex(' '):<23}  {text}")
    return "\n".join(lines)
