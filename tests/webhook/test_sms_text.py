from urllib.parse import parse_qsl

import pytest
import responses

from devkit.vonage.client import Credentials
from devkit.vonage.sms import send_sms
from devkit.webhook.sms_text import is_gsm
from devkit.webhook.sms_text import is_gsm as simulators


def test_the_alphabet_is_the_one_that_the_simulator_has() -> None:
    assert [char for char in map(chr, range(0x3000)) if is_gsm(char)] == [
        char for char in map(chr, range(0x3000)) if simulators(char)
    ]


@pytest.mark.parametrize(
    ("text", "kind"), [("Hello & = é €", None), ("Привет", "unicode"), ("ok 👍", "unicode")]
)
def test_a_text_beyond_the_alphabet_is_sent_as_unicode(text: str, kind: str | None) -> None:
    with responses.RequestsMock() as vonage:
        vonage.post(
            "https://rest.nexmo.com/sms/json",
            json={"message-count": "1", "messages": [{"message-id": "0A0000001234567B", "status": "0"}]},
        )
        send_sms(Credentials("abcd1234", "s3cret"), to="447700900001", sender="AcmeInc", text=text)
        sent = dict(parse_qsl(str(vonage.calls[0].request.body)))

    assert (sent["text"], sent.get("type")) == (text, kind)
