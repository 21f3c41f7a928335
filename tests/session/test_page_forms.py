"""The forms of the page in a running session: what they make is recorded, as the same from the commands is."""

from pathlib import Path
from urllib.parse import urlencode

from devkit.http.address import parse_address
from devkit.http.client import push
from devkit.webhook.callback import Callback
from tests.support.dev_process import running_dev


def test_a_receipt_is_triggered_and_a_message_sent_from_the_page(tmp_path: Path) -> None:
    with running_dev(tmp_path, "--no-demo", VONAGE_SIGNATURE_SECRET="a secret") as dev:
        url = dev.wait_for("ready")["inspector_url"]

        assert "The receiver answered 200" in post(url, "/trigger", status="failed", sign="md5hash")
        triggered = dev.wait_for("receipt", status="failed")
        assert "sent</b> to *********000, 1 part." in post(url, "/send", to="447700900000", text="Hi")
        sent = dev.wait_for("sent")
        delivered = dev.wait_for("receipt", status="delivered")
        assert dev.stop() == 0

    assert (triggered["signature"], triggered["triggered"]) == ("valid", True)
    assert Path(triggered["file"]).is_file()
    assert sent["message_ids"] == [delivered["message_id"]]
    assert delivered["triggered"] is False


def post(url: str, path: str, **form: str) -> str:
    address = parse_address(url)
    body = urlencode(form).encode()
    headers = (
        ("Host", address.netloc),
        ("Origin", url),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Content-Length", str(len(body))),
    )
    response = push(Callback("POST", path, headers, body), address)
    assert response.status == 200
    return response.body.decode("utf-8", "replace")
