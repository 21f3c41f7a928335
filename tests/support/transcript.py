"""Transcripts in the docs, without what differs from run to run; and the headings of a page."""

import re
from pathlib import Path

# What differs from run to run, and what stands for it.
_CHANGING = (
    (r"\d\d:\d\d:\d\d", "TIME"),
    (r"\d{4}-\d\d-\d\d", "DAY"),
    (r"\d{6}\.\d{6}Z", "STAMP"),
    (r"-[0-9a-f]{6}\.json", "-HEX.json"),
    (r"\b[0-9a-f]{8}(([-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})?\b", "ID"),
    (r"(delivery-receipt/)[\w-]+", r"\1TOKEN"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"key \w+, secret [\w-]+", "key KEY, secret SECRET"),
    (r"\+?\d+(\.\d+)? (m?s)\b", r"N \2"),
    (r" +", " "),
)


def settled(text: str) -> list[str]:
    """A transcript's lines without what differs from run to run."""
    for pattern, word in _CHANGING:
        text = re.sub(pattern, word, text)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def headings(document: Path) -> set[str]:
    lines = [line.lstrip("#").strip() for line in document.read_text().splitlines() if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}
