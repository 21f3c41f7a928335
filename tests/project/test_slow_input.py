"""Input that took quadratic time in earlier versions, at a size where quadratic time is minutes.

Each case runs in a process of its own that is killed after half a minute. In linear time all take about a second.
"""

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import devkit

TIMEOUT = 30  # seconds

CASES = {
    # A receipt with such a body of 64 KiB blocked the receiver for seconds.
    "JSON with a repeated key": """
from devkit.webhook.strict_json import RepeatedKey, parse
body = "{" + ",".join(f'"{number}":1' for number in range(100_000)) + ',"99999":1}'
try:
    parse(body.encode(), max_depth=16)
except RepeatedKey as error:
    assert error.key == "99999"
""",
    "a query with one field many times": """
from devkit.webhook.callback import Callback
from devkit.replay.transform import set_fields
callback = Callback("GET", "/?" + "a&" * 100_000 + "b")
assert set_fields(callback, {"a": "1"}).target == "/?a=1&b"
""",
    "a header many times": """
from devkit.http.address import with_header
headers = (("A", ""),) * 200_000
assert with_header(headers, "a", "1") == (("A", "1"),)
assert with_header(headers, "a", None) == ()
""",
    "a header on the command line that ends in white space": """
from devkit.errors import UsageError
from devkit.http.address import parse_header
try:
    parse_header("X:" + " " * 300_000 + "\\0")
except UsageError:
    pass
""",
    # An inbound text of 300 such characters took the printer of a session 10 ms.
    "a text that is not ASCII on a line": """
from devkit.cli.receipt_line import fit
assert fit([], "\u5931" * 60_000, 13) == "\u5931" * 5 + "..."
""",
    "headers of two recordings compared": """
from datetime import UTC, datetime
from devkit.webhook.callback import Callback
from devkit.fixture.format import Fixture
from devkit.inspector.comparison import compare
fixture = Fixture(datetime(2026, 1, 1, tzinfo=UTC), Callback("GET", "/", (("X", "1"),) * 50_000))
lines = compare(fixture, fixture, numbers=False)["Headers"]
assert (len(lines), lines[-1].name) == (50_000, "X #50000")
""",
    "a message with thousands of receipts": """
from datetime import UTC, datetime, timedelta
from devkit.webhook.receipt import Receipt
from devkit.webhook.timeline import Moment, build_timeline
start = datetime(2026, 1, 1, tzinfo=UTC)
receipts = [Receipt({"status": "accepted", "n": str(number)}) for number in range(20_000)]
moments = [Moment(start + timedelta(seconds=place), receipt) for place, receipt in enumerate(receipts)]
assert len(build_timeline(moments).steps) == 20_000
""",
    "the recordings of one message deleted": """
from pathlib import Path
from devkit.inspector.index import Index, _Day
from devkit.fixture.store import Store
index = Index(Store(Path("nowhere")))
keys = tuple(f"2026-01-01/000000.{number:06}Z-delivered-A-000000.json" for number in range(60_000))
index._set_day("2026-01-01", _Day(keys, 0, 0))
assert index.message_of(keys[0]) == keys
index._set_day("2026-01-01", _Day((), 0, 0))
assert index.message_of(keys[0]) == ()
""",
    "the chart of a message with thousands of receipts": """
from pathlib import Path
from types import SimpleNamespace
from devkit.inspector.index import Index, _Day
from devkit.inspector.charts import _delays
from devkit.fixture.store import Store
index = Index(Store(Path("nowhere")))
statuses = ["accepted"] * 20_000 + ["delivered"] * 20_000
keys = [f"2026-01-01/000000.{place:06}Z-{status}-A-000000.json" for place, status in enumerate(statuses)]
index._set_day("2026-01-01", _Day(tuple(keys), 0, 0))
rows = SimpleNamespace(read=lambda key: None)
assert list(_delays(index, rows, {}, keys)) == []
""",
    "a Makefile without rules": """
from devkit.cli.init import _taken
assert _taken("x\\n" * 200_000) == []
""",
    "an ngrok.yml of empty lines": """
from devkit.tunnel.ngrok import _TOKEN_LINE
assert _TOKEN_LINE.search("\\n" * 300_000) is None
""",
    "a fixture with thousands of headers, one of which is wrong": """
import json
from devkit.fixture.check import find_problems
headers = ",\\n".join(['["X", "1"]'] * 2000 + ['["X Y", "1"]'] + ['["X", "1"]'] * 2000)
request = '"request": {"method": "GET", "target": "/", "headers": [\\n' + headers + '], "body": {"text": ""}}'
text = '{"format": "vonage-delivery-receipt", "version": 1, "recorded_at": "2026-01-01T00:00:00Z", ' + request + '}'
(fault,) = [each for each in find_problems(text.encode()) if not each.stale]
assert fault.line == 2002, fault
""",
    "unit tests for thousands of fixtures of one name": """
from devkit.fixture.redaction.sample_name import unique_names
names = unique_names(["test_a"] * 20_000, "_")
assert (len(set(names)), names[-1]) == (20_000, "test_a_20000")
""",
    "a selector that is like no name, but as long": """
from pathlib import Path
from random import Random
from devkit.fixture.select import _hint
from devkit.fixture.store import Store
letters = [chr(0x100 + number) for number in range(150)]
names = ["".join(Random(seed).choices(letters, k=20_000)) for seed in range(20)]
assert "too long" in _hint(Store(Path()), names[0][::-1], names)
""",
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_read_once(case: str) -> None:
    command = [sys.executable, "-c", CASES[case]]
    root = Path(__file__).parents[2]

    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=TIMEOUT)

    assert done.returncode == 0, done.stderr


# What the patterns of devkit are about, again and again, and how it may end.
PIECES = [
    *" \t\na0_-.:=#%/+\\\"'{(",
    "%25",
    "a ",
    "a.",
    "a-",
    "a:",
    "a\n",
    "1 ",
    "+1",
    '\\"',
    ": ",
    "\r\n",
    "://",
]
PIECES += ["authtoken ", "include ", "export ", "ERR_NGROK_", "version "]
ENDS = ["", "\0", "!"]
SIZE = 20_000  # characters; a pattern that starts again at each of them takes seconds, any other milliseconds
LIMIT = 0.25  # seconds of CPU time of this thread, which a busy machine does not change


def patterns() -> Iterator[tuple[str, re.Pattern[str] | re.Pattern[bytes], list[str]]]:
    """The patterns of all modules, and how each is used."""
    for module in pkgutil.walk_packages(devkit.__path__, "devkit."):
        if module.name.endswith("__main__"):
            continue
        imported = importlib.import_module(module.name)
        source = inspect.getsource(imported)
        for name, value in vars(imported).items():
            if isinstance(value, re.Pattern):
                uses = set(
                    re.findall(rf"\b{name}\.(search|match|fullmatch|findall|finditer|split|sub)\b", source)
                )
                yield f"{module.name}.{name}", value, sorted(uses or {"fullmatch"})


def seconds(pattern: re.Pattern[str] | re.Pattern[bytes], use: str, text: str) -> float:
    given = text if isinstance(pattern.pattern, str) else text.encode()
    started = time.thread_time()
    if use == "sub":
        pattern.sub(type(given)(), given)  # type: ignore[arg-type]
    else:
        found = getattr(pattern, use)(given)
        if use == "finditer":
            list(found)
    return time.thread_time() - started


def test_each_pattern_reads_a_text_once() -> None:
    texts = [piece * (SIZE // len(piece)) + end for piece in PIECES for end in ENDS]
    found = list(patterns())

    slow = {
        (name, use, text[:12])
        for name, pattern, uses in found
        for use in uses
        for text in texts
        if seconds(pattern, use, text) > LIMIT
    }

    assert len(found) > 30
    assert slow == set()
