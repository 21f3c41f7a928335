"""Headers as the pages show them: as text, without the secret of the callback path, phone numbers masked."""

from devkit.callback import Callback
from devkit.redact import mask_numbers_in
from devkit.replay.rewrite import without_secret


def shown_headers(callback: Callback, *, numbers: bool) -> list[tuple[str, str]]:
    """Names and values of the headers. numbers: show phone numbers whole."""
    pairs = [(name, _text(value)) for name, value in without_secret(callback).headers]
    return pairs if numbers else [(name, mask_numbers_in(value)) for name, value in pairs]


def _text(value: str) -> str:
    # The bytes of a value may be UTF-8.
    return value.encode("latin-1", "replace").decode("utf-8", "backslashreplace")
