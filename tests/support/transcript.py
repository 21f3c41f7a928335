"""Transcripts in the docs: reads them, runs their commands again, and compares the output; and headings of a page."""

import os
import re
import shlex
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.support.dev_process import DEV, TIMEOUT, output_until, run_python

_BLOCK = re.compile(r"^```console\n\$ (.*)\n((?:.*\n)*?)```$", re.MULTILINE)
_APPLICATION = "127.0.0.1:5000"  # the host and port of the application in all pages


class Transcript(NamedTuple):
    command: str
    output: str


def transcripts(page: str) -> list[Transcript]:
    """The commands of a page in its order, and the output that it shows."""
    return [Transcript(match[1], match[2]) for match in _BLOCK.finditer(page)]


def run_command(command: str, project: Path, application: str) -> str:
    """The output of a `devkit` or `curl` command. application: the host and port to use instead of the page's."""
    words = shlex.split(command.replace(_APPLICATION, application))
    if words[0] == "curl":
        with urllib.request.urlopen(words[-1], timeout=TIMEOUT) as response:
            return str(response.read().decode())
    done = run_python(project, "-m", *words)
    assert done.returncode == 0, done
    return done.stdout + done.stderr


def run_session(project: Path, is_enough: Callable[[str], bool], *options: str) -> tuple[str, str]:
    """The output of `devkit dev` until it is enough, and the output after that, when the session is stopped."""
    until, after = output_until([*DEV, *options], project, is_enough)
    return until.replace(f"{project}{os.sep}", ""), after


# Patterns of what differs from run to run, and their replacements.
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
