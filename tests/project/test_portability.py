"""Differences between operating systems, as far as one system can show them."""

import sys
from pathlib import Path

import pytest

from devkit.http.server import _most_connections
from tests.support.command import run


def test_windows_keeps_below_what_select_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)  # as there

    assert _most_connections() < 512 - 100


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@pytest.mark.parametrize("word", ["\u65e5\u672c", "\U0001f4f1"])
def test_foreign_words_can_be_printed_in_any_encoding(tmp_path: Path, encoding: str, word: str) -> None:
    done = run(tmp_path, "trigger", word, "--to", "127.0.0.1:1", PYTHONIOENCODING=encoding)

    assert done.code == 4
    assert done.out[0].startswith("unreachable")
    assert "Traceback" not in done.err
