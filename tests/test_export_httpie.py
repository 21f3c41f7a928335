"""The HTTPie command: no header reads or writes a file, becomes an option, or is run by the shell.

Where HTTPie is installed, it is run as well; its own syntax is that of httpie.io/docs/cli.
"""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devkit.callback import Callback
from devkit.export.httpie import httpie_command
from tests.arbitrary import headers, wire_text
from tests.shell_command import sent_by, without

URL = "http://127.0.0.1:5000/dlr"
needs_httpie = pytest.mark.skipif(shutil.which("http") is None, reason="needs HTTPie")
# What it adds to a request that does not have them.
OWN = ("accept", "accept-encoding", "connection", "user-agent", "host", "content-length")


def words_of(callback: Callback) -> tuple[list[bytes], bytes]:
    """What a shell hands to HTTPie: its words, and its standard input."""
    stand_in = """http() { printf '%s\\0' "$@"; printf '\\0'; [ "$1" = --ignore-stdin ] || cat; }; """
    command = ["sh", "-c", stand_in + httpie_command(callback, URL)]
    out = subprocess.run(command, capture_output=True, check=True, timeout=20).stdout
    words, _, fed = out.partition(b"\0\0")
    return words.split(b"\0"), fed


def item_of(name: str, value: str) -> bytes:
    """The only word that a header becomes."""
    *options, _, _, item = words_of(Callback("GET", "/", ((name, value),)))[0]
    assert options == [b"--ignore-stdin", b"--"]
    return item


@pytest.mark.parametrize("body", [b"", b"a=1&b='x'", b"\xff\x00\n", b"-n", b"100%", b"\n\n"])
def test_the_very_bytes_of_the_body_are_fed(body: bytes) -> None:
    callback = Callback("POST", "/x?a=1", (("X-A", "it's"), ("X-Empty", ""), ("Host", "h")), body)

    words, fed = words_of(callback)

    options = [b"--"] if body else [b"--ignore-stdin", b"--"]
    assert words == [*options, b"POST", b"http://127.0.0.1:5000/dlr?a=1", b"X-A:it's", b"X-Empty;"]
    assert fed == body


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("@/etc/hostname", rb"X:\@/etc/hostname"),
        ("=@/etc/hostname", rb"X:\=@/etc/hostname"),
        ("=1", rb"X:\=1"),
        ("==a", rb"X:\==a"),
        ("a@b=c;d:e", b"X:a@b=c;d:e"),
        (r"C:\dir\file", rb"X:C:\dir\file"),
        (r"a\\=b", rb"X:a\\=b"),
        ("caf\xc3\xa9", b"X:caf\xc3\xa9"),
        ("\x1b[2J\x07", b"X:\x1b[2J\x07"),
        ("`id` $(id) '\"", b"X:`id` $(id) '\""),
    ],
)
def test_a_value_is_a_value_whatever_it_begins_with(value: str, said: bytes) -> None:
    assert item_of("X", value) == said


@pytest.mark.parametrize("name", ["-oX", "--output", "--", "-", "`id`", "X'$&|*"])
def test_a_name_is_never_an_option(name: str) -> None:
    assert item_of(name, "x") == f"{name}:x".encode()
    assert item_of(name, "") == f"{name};".encode()


@pytest.mark.parametrize("value", [r"\@/etc/hostname", r"a\=b", r"a\\\:b", "caf\xe9", "x\x1f"])
def test_a_value_that_cannot_be_said_is_left_out_with_a_comment(value: str) -> None:
    command = httpie_command(Callback("GET", "/", (("X-Odd", value), ("X`id`", value), ("X", "1"))), URL)

    comment, rest = command.split("\n", 1)
    assert comment == "# Left out, because HTTPie cannot send the value: X-Odd"
    assert rest == "http --ignore-stdin -- GET http://127.0.0.1:5000/dlr \\\n  X:1\n"


@pytest.mark.parametrize("method", ["example.test", "-oX", "`id`", "a;b", "GET|"])
def test_a_method_that_would_be_a_url_makes_no_command(method: str) -> None:
    command = httpie_command(Callback(method, "/"), URL)

    assert command == "# HTTPie cannot send this method. Use curl instead.\n"


def test_a_query_stays_in_the_url() -> None:
    words, _ = words_of(Callback("GET", "/x?a=b#c&d='x'&e=\xe9&f=%41[1]"))

    assert words[-1] == b"http://127.0.0.1:5000/dlr?a=b%23c&d='x'&e=%E9&f=%41[1]"


@given(st.builds(lambda more, body: Callback("POST", "/", more, body), headers, st.binary(max_size=40)))
def test_every_command_is_plain_text(callback: Callback) -> None:
    lines = httpie_command(callback, URL).splitlines()

    assert all(line.isascii() and line.isprintable() for line in lines)


def run_by_httpie(callback: Callback, directory: Path) -> Callback:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        command = httpie_command(callback, f"http://127.0.0.1:{listener.getsockname()[1]}/dlr")
        return sent_by(f"cd {directory}; {command}", listener)


@needs_httpie
def test_httpie_sends_any_header_and_touches_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("never sent")
    more = [
        (f"X-{place}", f"{mark}{secret}") for place, mark in enumerate(["@", "=@", "=", "==@", ";@", ":@"])
    ]
    callback = Callback(
        "POST", "/x?a=1", (*more, ("-oX", "1"), ("--output", "x"), ("X-Empty", "")), b"a\xff=1"
    )

    sent = run_by_httpie(callback, tmp_path)

    assert (sent.method, sent.target, sent.body) == ("POST", "/dlr?a=1", callback.body)
    assert sorted(without(sent.headers, *OWN, "content-type")) == sorted(callback.headers)
    assert os.listdir(tmp_path) == ["secret"]


@needs_httpie
@settings(max_examples=25, deadline=None)
@given(value=wire_text("\0\r\n") | st.text(":;=@\\a", max_size=8))
def test_httpie_sends_each_value_that_is_not_left_out(value: str) -> None:
    sent = run_by_httpie(Callback("GET", "/", (("X-Any", value),)), Path("/"))

    if sent.header("X-Any") is not None:
        assert sent.header("X-Any") == value.strip(" \t")
    else:
        assert httpie_command(Callback("GET", "/", (("X-Any", value),)), URL).startswith("# Left out")
