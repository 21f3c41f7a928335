"""One spelling for what people and programs write in many: letters of any case and width, digits of any script."""

import re
import unicodedata

# Numbers that nobody has; one may end like a real number by chance.
STAND_IN = re.compile(r"(?<![0-9])447700900[0-9]{3}(?![0-9])")

_ACCENTS = re.compile(r"[\u0300-\u036f]")
_DIGIT = re.compile(r"(?![0-9])\d")
_OTHERS = re.compile(r"[\W_]+")
_NUMERIC = re.compile(r"[\W\d_]+")
# ITU-T E.164: country codes have one digit, two of these, or three.
_COUNTRY = re.compile(r"[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[0-9]{3}")
_INTERNATIONAL = 9  # digits, at least, of a number with its country code
_SUBSCRIBER = 8  # the last digits of a phone number are the same in each way to write it


def fold(text: str) -> str:
    """The text without differences of case, width and accents, and with ASCII digits. Its marks and spaces stay."""
    if text.isascii():
        return text.lower()
    # A Turkish dotless i is the same letter to whoever writes without it.
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", text).casefold())
    return _DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), plain).replace("\u0131", "i")


def letters_and_digits(folded: str) -> str:
    """What is left of a folded text without what people write between: spaces, dashes, and whatever else."""
    return _OTHERS.sub("", folded)


def digits_of(text: str) -> str:
    """The digits of a text, in ASCII."""
    return re.sub(r"[^0-9]", "", fold(text))


def is_numeric(text: str) -> bool:
    """Whether a text has digits and no letters, as a phone number has."""
    return _NUMERIC.fullmatch(text) is not None and re.search(r"\d", text) is not None


def subscriber_digits(digits: str) -> str:
    """The last 7 or 8 digits of a phone number, without its country code; all of a number that is shorter."""
    digits = digits.lstrip("0")
    country = _COUNTRY.match(digits)
    if country is None or len(digits) < _INTERNATIONAL:
        return digits
    return digits[-min(_SUBSCRIBER, max(_SUBSCRIBER - 1, len(digits) - country.end())) :]
