"""What docs/inspector.md says is so."""

import re
from pathlib import Path

from devkit.inspector.search import KINDS, SIGNATURES
from tests.support.inspector_client import client
from tests.support.inspector_server import Recordings

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "inspector.md").read_text(encoding="utf-8")


def test_every_request_that_is_described_is_answered(recordings: Recordings) -> None:
    key = recordings.receipt()
    web = client(recordings)
    described = re.findall(r"^\| `(GET|POST) (/\S+)` \|", TEXT, re.MULTILINE)
    assert len(described) == 7

    for method, path in described:
        if path in ("/stream", "/ready"):  # the first does not end; the second is not 200 without a session
            continue
        answer = web.open(path.replace("KEY", key), method=method, json={} if method == "POST" else None)
        assert answer.status_code == 200, path


def test_every_kind_and_signature_is_named() -> None:
    for word in (*KINDS, *SIGNATURES):
        assert f"`{word}`" in TEXT


def test_every_key_is_in_the_table() -> None:
    script = (DOCS.parent / "devkit" / "inspector" / "static" / "inspector.js").read_text(encoding="utf-8")
    table = re.search(r"const keys = \{(.*?)\n\};", script, re.DOTALL)
    assert table
    keys = re.findall(r'^  "?([^\s":}]+)"?[:,]', table[1], re.MULTILINE)

    assert sorted(keys) == sorted([*"123456", "j", "k", "r", "e", "x", "/", "?"])
    for key in keys:
        assert f"`{key}`" in TEXT


def test_every_link_and_picture_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (DOCS / target).exists(), target
    headings = {
        re.sub(r"[^a-z ]", "", line[3:].lower()).replace(" ", "-")
        for line in TEXT.splitlines()
        if line.startswith("## ")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= headings
