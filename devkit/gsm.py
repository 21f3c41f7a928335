"""The alphabet that a plain SMS can hold: GSM 03.38, with its extension."""

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("|^€{}[]~\\\f")  # each takes an escape septet and another one
_CHARACTERS = frozenset(_BASIC) | EXTENSION


def is_gsm(text: str) -> bool:
    """Whether every character of a text is in the alphabet."""
    return _CHARACTERS.issuperset(text)
