"""Malformed and unusual requests, as bytes."""

import os

from devkit.webhook.callback import CALLBACK_PATH
from reliability.running import TOKEN

OURS = f"{CALLBACK_PATH}/{TOKEN}".encode()
HEAD = b"POST " + OURS + b" HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n"
SMUGGLED = b"GET " + OURS + b"?status=smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"


def chunked(body: bytes, more: bytes = b"") -> bytes:
    return HEAD + more + b"Transfer-Encoding: chunked\r\n\r\n" + body


def sized(body: bytes, more: bytes = b"") -> bytes:
    return HEAD + more + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


# The bytes, and the allowed statuses. A smuggled inner request must never be accepted.
MALFORMED_REQUESTS: dict[str, tuple[bytes, set[int]]] = {
    "two lengths": (HEAD + b"Content-Length: 1\r\nContent-Length: 60\r\n\r\n" + b"a=b" + SMUGGLED, {400}),
    "a list of lengths": (HEAD + b"Content-Length: 3, 3\r\n\r\na=b", {400}),
    "a negative length": (HEAD + b"Content-Length: -1\r\n\r\n", {400}),
    "a length with a plus sign": (HEAD + b"Content-Length: +3\r\n\r\na=b", {400}),
    "a length of Arabic digits": (HEAD + "Content-Length: ٣\r\n\r\na=b".encode(), {400}),
    "a huge length": (HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n", {413}),
    "a length of 5,000 digits": (HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", {400, 413}),
    "length and chunks": (chunked(b"0\r\n\r\n" + SMUGGLED, b"Content-Length: 4\r\n"), {400}),
    "chunks twice": (chunked(b"0\r\n\r\n" + SMUGGLED, b"Transfer-Encoding: identity\r\n"), {400, 501}),
    "chunks listed twice": (chunked(b"0\r\n\r\n" + SMUGGLED).replace(b"chunked", b"chunked, chunked"), {400}),
    "chunks and an empty coding": (chunked(b"0\r\n\r\n" + SMUGGLED).replace(b"chunked", b"chunked,"), {400}),
    "chunks after a control character": (
        HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        {400, 501},
    ),
    "chunks under another name": (
        HEAD + b"Transfer_Encoding: chunked\r\nContent-Length: 3\r\n\r\na=b",
        {200, 400},
    ),
    "a space before the colon": (HEAD + b"Content-Length : 3\r\n\r\na=b", {400}),
    "a chunk size that is no number": (chunked(b"xyz\r\n\r\n"), {400}),
    "a negative chunk": (chunked(b"-1\r\n\r\n"), {400}),
    "a chunk in Python's notation": (chunked(b"0x1\r\na\r\n0\r\n\r\n"), {400}),
    "a chunk that is longer than it says": (chunked(b"1\r\nabc\r\n0\r\n\r\n"), {400}),
    "a huge chunk": (chunked(b"ffffffffffffffff\r\n" + b"a" * 70_000), {413}),
    "a chunk size without end": (chunked(b"0" * 70_000), {413}),
    "a chunk extension without end": (chunked(b"1;" + b"a" * 70_000), {413}),
    "a trailer without end": (chunked(b"0\r\n" + b"a: b\r\n" * 20_000), {200, 413}),
    "many small chunks": (chunked(b"1\r\na\r\n" * 20_000), {413}),
    "a header of 40 KB": (HEAD + b"X: " + b"a" * 40_000 + b"\r\n\r\n", {431}),
    "10,000 headers": (HEAD + b"a:b\r\n" * 10_000 + b"\r\n", {431}),
    "a target of 40 KB": (b"GET " + OURS + b"?" + b"a" * 40_000 + b" HTTP/1.1\r\n\r\n", {431}),
    "101 header lines": (HEAD + b"a:b\r\n" * 99 + b"\r\n", {431}),
    "a NUL in the target": (
        b"GET " + OURS + b"?a=\0 HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
        {400},
    ),
    "a TAB in the target": (HEAD.replace(b"delivery", b"deli\tvery") + b"\r\n", {400}),
    "a scheme and no host": (HEAD.replace(b"/webhooks", b"http:/webhooks") + b"\r\n", {404}),
    "the target of another host": (HEAD.replace(b"/webhooks", b"http://b.test/webhooks") + b"\r\n", {404}),
    "the target of this host": (HEAD.replace(b"/webhooks", b"http://a.test/webhooks") + b"\r\n", {404}),
    "a NUL in a header": (HEAD + b"X: \0\r\n\r\n", {200, 400}),
    "a lone CR": (HEAD + b"X: a\rHost: b.test\r\n\r\n", {200, 400}),
    "a lone LF": (HEAD + b"X: a\nHost: b.test\r\n\r\n", {200, 400}),
    "no version": (b"GET " + OURS + b"\r\n\r\n", {200, 400}),
    "version 9": (b"GET " + OURS + b" HTTP/9.9\r\nConnection: close\r\n\r\n", {200, 400}),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(300) + b"\r\n\r\n", {400, 404}),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 404}),
    "a target that is an invalid URL": (b"GET http://[/ HTTP/1.1\r\n\r\n", {400}),
    "broken percent signs": (
        b"GET " + OURS + b"?a=%&b=%zz&%=%u0041 HTTP/1.1\r\nConnection: close\r\n\r\n",
        {200},
    ),
    "a path upwards": (b"GET " + OURS + b"/../../../etc/passwd HTTP/1.1\r\nConnection: close\r\n\r\n", {404}),
    "a message id with a path upwards": (
        sized(b"status=../../../escaped&messageId=..%2f..%2fescaped"),
        {200},
    ),
    "a message id with NUL": (sized(b"status=%00&messageId=%00%0a%0d/\\:*?"), {200}),
    "a message id of 60 KB": (sized(b"status=a&messageId=" + b"A" * 60_000), {200}),
    "15,000 fields": (sized(b"status=a&" + b"&".join(b"%d=" % n for n in range(15_000))[:60_000]), {200}),
    "100,000 fields": (sized(b"status=a&" + b"&".join(b"%d=" % n for n in range(100_000))), {413}),
    "deep JSON": (sized(b"[" * 60_000, b"Content-Type: application/json\r\n"), {200}),
    "deep JSON objects": (sized(b'{"a":' * 12_000, b"Content-Type: application/json\r\n"), {200}),
    "a number of 60,000 digits": (
        sized(b'{"status":' + b"9" * 60_000 + b"}", b"Content-Type: text/json\r\n"),
        {200},
    ),
    "a number too large": (
        sized(b'{"status":"a","price":1e999}', b"Content-Type: application/json\r\n"),
        {200},
    ),
    "NaN": (sized(b'{"status":"a","price":NaN}', b"Content-Type: application/json\r\n"), {200}),
    "duplicate keys": (
        sized(b'{"status":"a","status":"b"}', b"Content-Type: application/json\r\n"),
        {200},
    ),
    "a lone surrogate": (
        sized(b'{"status":"a","messageId":"\\ud800"}', b"Content-Type: application/json\r\n"),
        {200},
    ),
    "UTF-16": (
        sized('{"status":"a"}'.encode("utf-16"), b"Content-Type: application/json;charset=utf-16\r\n"),
        {200},
    ),
    "an unknown charset": (
        sized(b"status=\xff\xfe", b"Content-Type: text/plain; charset=nonsense\r\n"),
        {200},
    ),
    "gzip as content encoding": (sized(b"\x1f\x8b" + b"\0" * 99, b"Content-Encoding: gzip\r\n"), {200}),
    "a multipart form": (
        sized(b"--x\r\n" * 9000, b"Content-Type: multipart/form-data; boundary=x\r\n"),
        {200},
    ),
    "control characters": (sized(b"status=%1b%5b2J%1b]0;x%07&messageId=%e2%80%ae"), {200}),
    "empty lines first": (b"\r\n" * 20_000 + HEAD + b"\r\n", {200, 400, 431}),
    "300 requests at once": ((b"GET " + OURS + b" HTTP/1.1\r\nHost: a.test\r\n\r\n") * 300, {200}),
    "an unknown expectation": (
        HEAD + b"Expect: 200-ok\r\nContent-Length: 3\r\n\r\na=b",
        {200, 400, 417},
    ),
    "an upgrade": (HEAD + b"Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n", {200}),
}
