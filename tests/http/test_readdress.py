import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.errors import UsageError
from devkit.http.address import (
    Destination,
    keep_exact,
    parse_header,
    parse_path,
    readdress,
    with_header,
    with_path,
)
from devkit.webhook.callback import (
    CALLBACK_PATH,
    CONNECTION_HEADERS,
    REPLAY_HEADER,
    Callback,
    has_token,
    without_secret,
    without_token,
)
from tests.support.strategies import callbacks, tokens, wire_text

HERE = Destination("127.0.0.1:5000")
MARK = (REPLAY_HEADER, "1")


def test_only_what_must_change_does() -> None:
    callback = Callback(
        "POST",
        "/dlr?%7e=\xff",
        (
            ("accept", "*/*"),
            ("HOST", "dlr.example.com"),
            ("X-Twice", "1"),
            ("Connection", "keep-alive"),
            ("x-twice", "2"),
            ("Transfer-Encoding", "chunked"),
            ("X-Forwarded-For", "192.0.2.1"),
        ),
        b"status=delivered",
    )

    assert readdress(callback, HERE) == Callback(
        "POST",
        "/dlr?%7e=\xff",
        (
            ("accept", "*/*"),
            ("HOST", "127.0.0.1:5000"),
            ("X-Twice", "1"),
            ("x-twice", "2"),
            ("X-Forwarded-For", "192.0.2.1"),
            ("Content-Length", "16"),
            MARK,
        ),
        b"status=delivered",
    )


def test_the_secret_segment_is_not_sent() -> None:
    callback = Callback("GET", f"{CALLBACK_PATH}/s3cret?a=1")

    assert readdress(callback, HERE).target == f"{CALLBACK_PATH}?a=1"
    assert readdress(callback, Destination("h", "/dlr")).target == "/dlr?a=1"


def test_a_missing_host_is_put_first() -> None:
    callback = Callback("GET", "/", (("Accept", "*/*"),))

    assert readdress(callback, HERE).headers == (("Host", "127.0.0.1:5000"), ("Accept", "*/*"), MARK)


def test_a_length_is_corrected_in_its_place_and_not_invented() -> None:
    wrong = Callback("POST", "/", (("content-length", "99"), ("Host", "x")), b"abc")

    assert readdress(wrong, HERE).headers[0] == ("content-length", "3")
    assert readdress(Callback("GET", "/", (("Content-Length", "0"),)), HERE).header("Content-Length") == "0"
    assert readdress(Callback("GET", "/"), HERE).header("Content-Length") is None


def test_headers_that_must_not_get_there_are_left_out() -> None:
    callback = Callback("GET", "/", (("X-Forwarded-For", "192.0.2.1"), ("Host", "x")))

    assert readdress(callback, Destination("h", "", ("x-forwarded-for",))).headers == (("Host", "h"), MARK)


def test_a_recorded_mark_is_not_doubled() -> None:
    callback = readdress(Callback("GET", "/"), HERE)

    assert readdress(callback, HERE) == callback


@given(callback=callbacks)
def test_any_recording_keeps_all_but_the_documented_headers(callback: Callback) -> None:
    sent = readdress(callback, HERE)

    changed = {"host", "content-length", REPLAY_HEADER.lower()}
    kept = [pair for pair in callback.headers if pair[0].lower() not in CONNECTION_HEADERS | changed]
    assert [pair for pair in sent.headers if pair[0].lower() not in changed] == kept
    assert (sent.method, sent.body) == (callback.method, callback.body)
    assert sent.target == without_token(callback.target)
    assert sent.header("Content-Length") in (None, str(len(callback.body)))


@given(callback=callbacks, more=st.lists(st.tuples(tokens, wire_text("\0\r\n")), max_size=3))
def test_an_exact_recording_keeps_all_but_its_framing(
    callback: Callback, more: list[tuple[str, str]]
) -> None:
    whole = Callback(callback.method, callback.target, (*callback.headers, *more), callback.body)

    sent = keep_exact(whole)

    framing = {"content-length", "transfer-encoding"}
    assert [pair for pair in sent.headers if pair[0].lower() not in framing] == [
        pair for pair in whole.headers if pair[0].lower() not in framing
    ]
    assert (sent.method, sent.target, sent.body) == (whole.method, whole.target, whole.body)


def test_an_exact_recording_of_chunks_gets_a_length_instead() -> None:
    chunked = Callback("POST", "/", (("Host", "x"), ("Transfer-Encoding", "chunked")), b"ab")

    assert keep_exact(chunked).headers == (("Host", "x"), ("Content-Length", "2"))


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        (f"{CALLBACK_PATH}/s3cret?a=1", f"{CALLBACK_PATH}?a=1"),
        (f"{CALLBACK_PATH}/s3cret", CALLBACK_PATH),
        (f"{CALLBACK_PATH}/s3cret/more?", f"{CALLBACK_PATH}?"),
        ("/webhooks/delivery%2Dreceipt/s3cret?a", f"{CALLBACK_PATH}?a"),
        ("/webhooks/delivery-receipt%2Fs3cret", CALLBACK_PATH),
        ("//webhooks//delivery-receipt//s3cret", CALLBACK_PATH),
        (f"https://dlr.example.com{CALLBACK_PATH}/s3cret?a", f"https://dlr.example.com{CALLBACK_PATH}?a"),
    ],
)
def test_the_secret_segment_is_dropped_however_it_is_spelled(target: str, sent: str) -> None:
    assert without_token(target) == sent
    assert has_token(target)


@pytest.mark.parametrize(
    "target",
    [
        CALLBACK_PATH,
        f"{CALLBACK_PATH}/",
        f"{CALLBACK_PATH}?a={CALLBACK_PATH}/x",
        f"{CALLBACK_PATH}s/x",
        "/dlr/x",
        "/",
        "*",
        "http://dlr.example.com",
        "%zz?\xff",
    ],
)
def test_other_targets_are_kept_to_the_byte(target: str) -> None:
    assert without_token(target) == target
    assert not has_token(target)


SECRET = "s3cret_of-this-project"

# The request target in headers of proxies, and the position of the secret in it.
VALUES = [
    f"{CALLBACK_PATH}[/{SECRET}]?status=delivered",  # X-Original-URI of nginx, X-Forwarded-Uri of Traefik
    f"https://dlr.example.com{CALLBACK_PATH}[/{SECRET}]",  # Referer
    f"http://dlr.example.com:80/dev{CALLBACK_PATH}[//{SECRET}/]#top",
    f'for=192.0.2.1;path="{CALLBACK_PATH}[/{SECRET}]";proto=https',  # Forwarded, with an extension
    f"next=%2Fwebhooks%2fdelivery-receipt[%2F{SECRET}]%3Fa%3D1&x=1",
    f"%252Fwebhooks%252Fdelivery%252Dreceipt[%252F{SECRET}]%253Fa",
    f"/webhooks/delivery-receipt[/%73{SECRET[1:]}] HTTP/1.1",
    f"\\/webhooks\\/delivery-receipt[\\/{SECRET}]",
    f"one{CALLBACK_PATH}[/{SECRET}], two{CALLBACK_PATH}[/another-secret]",
    f"<{CALLBACK_PATH}[/{SECRET}]>; rel=self",
    f"/hook/[{SECRET}]?status=delivered",  # a proxy that has another path for the same secret
    f"segment=[{SECRET}]",
]


@pytest.mark.parametrize("marked", VALUES)
def test_the_secret_is_cut_out_of_any_header_value(marked: str) -> None:
    value = marked.replace("[", "").replace("]", "")
    without = re.sub(r"\[.*?\]", "", marked)
    callback = Callback("GET", f"{CALLBACK_PATH}/{SECRET}?a=1", (("X-Any", value), ("Accept", "*/*")), b"x")

    for sent in (without_secret(callback), readdress(callback, HERE)):
        assert sent.header("X-Any") == without
        assert sent.target == f"{CALLBACK_PATH}?a=1"
        assert (sent.header("Accept"), sent.body) == ("*/*", b"x")


@pytest.mark.parametrize(
    "value",
    [
        CALLBACK_PATH,
        f"{CALLBACK_PATH}/",
        f"{CALLBACK_PATH}/?a=1",
        f"{CALLBACK_PATH}s/x",
        "%2Fwebhooks%2Fdelivery-receipt%3Fa%2Fb",
        "/webhooks/other/x",
        "Nexmo/MessagingHUB/v1.0",
        "%zz\xff",
    ],
)
def test_other_header_values_are_kept_to_the_byte(value: str) -> None:
    callback = Callback("GET", f"{CALLBACK_PATH}/{SECRET}", (("X-Any", value),))

    assert without_secret(callback).headers == callback.headers


def test_a_short_last_segment_is_looked_for_after_the_path_only() -> None:
    callback = Callback(
        "GET", f"{CALLBACK_PATH}/text", (("Accept", "text/html"), ("X", f"{CALLBACK_PATH}/text"))
    )

    assert without_secret(callback).headers == (("Accept", "text/html"), ("X", CALLBACK_PATH))


@st.composite
def spelled(draw: st.DrawFn, text: str) -> str:
    """A text each of whose characters may be percent-encoded, once or more."""
    depth = draw(st.integers(0, 3))
    return "".join(
        f"%{'25' * (depth - 1)}{ord(char):02x}" if depth and draw(st.booleans()) else char for char in text
    )


@given(spelled(f"{CALLBACK_PATH}/"), st.sampled_from(["", "?a", "%3Fa", " ", '"', ",x"]), wire_text("\0\r\n"))
def test_no_spelling_of_the_path_gets_the_secret_out(path: str, after: str, before: str) -> None:
    headers = (("X-Any", f"{before}{path}{SECRET}{after}"),)

    for target in (f"{CALLBACK_PATH}/{SECRET}", "/elsewhere"):
        assert SECRET not in str(without_secret(Callback("GET", target, headers)).headers)


@pytest.mark.parametrize(
    ("path", "sent"), [("/dlr", "/dlr?a=1"), ("/dlr?key=x", "/dlr?key=x&a=1"), ("/", "/?a=1")]
)
def test_another_path_keeps_the_recorded_query(path: str, sent: str) -> None:
    assert with_path(f"{CALLBACK_PATH}/s3cret?a=1", path) == sent


def test_another_path_needs_no_query() -> None:
    assert with_path("/old", "/dlr?key=x") == "/dlr?key=x"


def test_a_header_is_set_in_its_place_and_spelling() -> None:
    headers = (("a", "1"), ("X-Key", "old"), ("b", "2"), ("x-key", "older"))

    assert with_header(headers, "X-KEY", "new") == (("a", "1"), ("X-Key", "new"), ("b", "2"))
    assert with_header(headers, "x-key", None) == (("a", "1"), ("b", "2"))
    assert with_header(headers, "New", "3") == (*headers, ("New", "3"))
    assert with_header(headers, "New", None) == headers


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("X-Key: value", ("X-Key", "value")),
        ("X-Key:a: b ", ("X-Key", "a: b")),
        ("X-Key:", ("X-Key", None)),
        ("X-Key: caf\xe9", ("X-Key", "caf\xc3\xa9")),
    ],
)
def test_a_header_is_read_as_curl_reads_it(text: str, header: tuple[str, str | None]) -> None:
    assert parse_header(text) == header


@pytest.mark.parametrize("text", ["", "X-Key", ": x", "a b: c", "X: a\r\nY: b", "X: a\0"])
def test_what_is_no_header_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="Not a header"):
        parse_header(text)


@pytest.mark.parametrize("text", ["content-length: 3", "Transfer-Encoding: chunked", "Content-Length:"])
def test_where_a_request_ends_cannot_be_chosen(text: str) -> None:
    with pytest.raises(UsageError, match="cannot be chosen"):
        parse_header(text)


@pytest.mark.parametrize("text", ["", "dlr", "/a b", "/a#b", "/\xe9", "/a\r\n", "http://x/"])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="Not a path"):
        parse_path(text)


def test_a_path_may_have_a_query() -> None:
    assert parse_path("/dlr?key=%20") == "/dlr?key=%20"
