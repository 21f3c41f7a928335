import json
import re
import uuid
from pathlib import Path

import pytest

from devkit.webhook.callback import CALLBACK_PATH, TRANSPORTS, Callback
from devkit.webhook.receipt import Receipt, read
from devkit.webhook.signature import METHODS, verify
from tests.support.command import call
from tests.support.parsed_request import received
from tests.support.raw_socket import OK, closed_port, raw_server

SECRET = "test-signature-secret"


def triggered(directory: Path, *args: str, **settings: str) -> tuple[Callback, Receipt]:
    with raw_server([OK]) as server:
        result = call(directory, "trigger", *args, "--to", server.url, **settings)
    assert result.code == 0, result
    callback = received(server.requests[0])
    reading = read(callback)
    assert isinstance(reading, Receipt)
    return callback, reading


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_receipt_comes_as_vonage_would_send_it(tmp_path: Path, transport: str) -> None:
    callback, receipt = triggered(tmp_path, "delivered", "--as", transport)

    assert (callback.transport, callback.path) == (transport, CALLBACK_PATH)
    assert callback.header("X-Devkit-Trigger") == "1"
    assert callback.header("X-Devkit-Replay") is None
    assert receipt.status == "delivered"
    assert receipt.err_code == "0"
    assert receipt.message_id == str(uuid.UUID(receipt.message_id))
    assert receipt.text("msisdn") == "447700900000"
    assert receipt.text("api-key") == "abcd1234"


def test_the_account_s_key_is_in_the_receipt(tmp_path: Path) -> None:
    _, receipt = triggered(tmp_path, "accepted", VONAGE_API_KEY="ffff0000", VONAGE_API_SECRET="not-sent")

    assert receipt.text("api-key") == "ffff0000"


def test_each_receipt_is_of_another_message(tmp_path: Path) -> None:
    assert triggered(tmp_path, "failed")[1].message_id != triggered(tmp_path, "failed")[1].message_id


@pytest.mark.parametrize(("given", "sent"), [("absent-subscriber-temporary", "2"), ("9", "9"), (None, "1")])
def test_the_err_code_has_a_number_a_name_and_a_default(tmp_path: Path, given: str | None, sent: str) -> None:
    options = ["--err-code", given] if given else []

    assert triggered(tmp_path, "failed", *options)[1].err_code == sent


def test_fields_can_be_set_and_removed(tmp_path: Path) -> None:
    _, receipt = triggered(tmp_path, "failed", "--set", "client-ref=a=b", "--unset", "scts")

    assert receipt.text("client-ref") == "a=b"
    assert "scts" not in receipt.fields


@pytest.mark.parametrize("method", [METHODS[0], "SHA256"])
def test_it_is_signed_on_demand(tmp_path: Path, method: str) -> None:
    _, receipt = triggered(tmp_path, "delivered", "--sign", method, VONAGE_SIGNATURE_SECRET=SECRET)

    assert verify(receipt.fields, SECRET, "md5hash" if method == "md5hash" else "sha256") == "valid"


def test_without_a_secret_nothing_is_signed_or_sent(tmp_path: Path) -> None:
    result = call(tmp_path, "trigger", "delivered", "--sign", "md5")

    assert result.code == 3
    assert "VONAGE_SIGNATURE_SECRET" in result.err


def test_an_undocumented_status_is_sent_with_a_notice(tmp_path: Path) -> None:
    with raw_server([OK]) as server:
        url = f"{server.url}/dlr?key=1"
        result = call(tmp_path, "trigger", "undelivered", "--err-code", "95", "--json", "--to", url)

    assert result.code == 0
    assert "'undelivered'" in result.err
    assert "'95'" in result.err
    [line] = result.out
    event = json.loads(line)
    assert {key: event[key] for key in ("event", "status", "err_code", "outcome", "answer")} == {
        "event": "triggered",
        "status": "undelivered",
        "err_code": "95",
        "outcome": "ok",
        "answer": 200,
    }
    assert received(server.requests[0]).target.startswith("/dlr?key=1&msisdn=")


def test_an_unexpected_status_is_1_and_an_unreachable_target_is_4(tmp_path: Path) -> None:
    with raw_server([b"HTTP/1.1 404 Words\r\nContent-Length: 0\r\n\r\n"]) as server:
        wrong = call(tmp_path, "trigger", "delivered", "--to", server.url)
    nobody = call(tmp_path, "trigger", "delivered", DEVKIT_PORT=str(closed_port()))

    assert (wrong.code, nobody.code) == (1, 4)
    assert re.match(r"failed       delivered   \w{8}  -> 404 ", wrong.out[0])
    assert re.match(r"unreachable  delivered   \w{8}  Nobody answers", nobody.out[0])


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["delivered", "--err-code", "absent-subscriber"], "absent-subscriber-temporary"),
        (["delivered", "--to", "http://192.0.2.1"], "not on this machine"),
        (["delivered", "--set", "x"], "'x'"),
        ([], "STATUS"),
    ],
)
def test_a_usage_error_has_a_message(tmp_path: Path, args: list[str], words: str) -> None:
    result = call(tmp_path, "trigger", *args)

    assert result.code == 2
    assert words in result.err
