import json
from dataclasses import replace

import click
import pytest

from devkit.cli.simulator_lines import lines
from devkit.events import Event, Notice
from devkit.simulator import SimulatorOptions, events, run_simulator
from devkit.simulator.events import DeliveryTried, MessageTaken, SimulatorReady, event_of
from devkit.simulator.occurrences import (
    Account,
    ApplicationChanged,
    Delivery,
    InboundMessage,
    NumberChanged,
    Occurrence,
    Refusal,
    TlsHandshakeFailed,
)
from tests.support.simulator_client import JUMPING, listening, post, send

DELIVERY = Delivery("0A0000001234567B", "failed", "2", 1, 1000.0, 200)
READY = SimulatorReady(
    url="http://127.0.0.1:3050",
    host="127.0.0.1:3050",
    api_key="abcd1234",
    api_secret="S3cretSimulator",
    method="get",
    signature="",
    signature_secret="",
    callback_url="",
    authority="",
    bundle="",
    pid=7,
)


def shown(occurrence: Occurrence) -> str:
    (line,) = lines(event_of(occurrence))
    return click.unstyle(line)


def shown_ready(ready: SimulatorReady) -> str:
    return "\n".join(click.unstyle(line) for line in lines(ready))


def test_events_come_in_the_order_of_the_occurrences() -> None:
    occurrences: list[Occurrence] = []
    with listening() as listener, run_simulator(JUMPING, watch=occurrences.append) as simulator:
        post(simulator, "/account/settings", {"drCallBackUrl": listener.url})
        post(simulator, "/account/settings")
        send(simulator, "447700900102")
        send(simulator, "12")
        assert simulator.wait_idle(10)

    reported = [event_of(occurrence) for occurrence in occurrences]
    kinds = [each.name for each in reported]
    assert kinds[:2] == ["settings", "message"]
    assert sorted(kinds[2:]) == ["delivery", "delivery", "refused"]
    assert isinstance(reported[1], MessageTaken)
    assert (reported[1].to, reported[1].promised) == ("*********102", ("delivered", "delivered"))
    assert all(json.loads(json.dumps(each.as_json()))["event"] == each.name for each in reported)


@pytest.mark.parametrize(
    ("delivery", "end"),
    [
        (DELIVERY, "-> 200"),
        (replace(DELIVERY, answer=503, retry_at=1060.0), "-> 503, again after 60 s"),
        (replace(DELIVERY, answer=None, problem="timeout", attempt=3), "-> timeout (attempt 3)"),
        (
            replace(DELIVERY, attempt=2, sent_again=True, answer=500, retry_at=1060.0),
            "-> 500 (attempt 2, sent again on a new connection), again after 60 s",
        ),
    ],
)
def test_an_attempt_is_one_line_with_the_answer_and_the_reason(delivery: Delivery, end: str) -> None:
    line = shown(delivery)

    assert line[12:] == f"failed      1234567B  {end}  2 Absent Subscriber - Temporary"


def test_err_code_0_is_not_called_delivered() -> None:
    assert "Delivered" not in shown(replace(DELIVERY, status="accepted", err_code="0"))


@pytest.mark.parametrize(
    ("occurrence", "words"),
    [
        (Refusal("sms", 4, "Bad Credentials"), "refused     sms 4: Bad Credentials"),
        (Refusal("settings", 401, "no"), "refused     settings 401: no"),
        (
            Account("http://127.0.0.1/x", method="json"),
            "settings    receipts go to http://127.0.0.1/x as json",
        ),
        (Account(), "settings    receipts go to nowhere as get"),
        (
            Account(mo_callback_url="http://127.0.0.1/in"),
            "settings    receipts go to nowhere as get, inbound messages to http://127.0.0.1/in",
        ),
        (Refusal("messages", 422, "no"), "refused     messages 422: no"),
        (
            ApplicationChanged("a-b-c", status_url="http://127.0.0.1/s"),
            "settings    application a-b-c sends statuses to http://127.0.0.1/s, inbound messages to nowhere",
        ),
        (ApplicationChanged("a-b-c", deleted=True), "settings    application a-b-c was deleted"),
        (
            NumberChanged("447700900900", "a-b-c", ""),
            "settings    number *********900 is linked to application a-b-c",
        ),
        (
            NumberChanged("447700900900", "", "http://127.0.0.1/in"),
            "settings    number *********900 is linked to no application, "
            "its own inbound URL is http://127.0.0.1/in",
        ),
    ],
)
def test_refusals_and_settings_are_one_line(occurrence: Occurrence, words: str) -> None:
    assert shown(occurrence) == words


def test_a_status_is_one_line_with_its_error() -> None:
    status = replace(DELIVERY, status="rejected", err_code="1360", kind="messages-status")

    assert shown(status)[12:] == "rejected    1234567B  -> 200  1360 TTL was activated"
    assert shown(replace(status, status="submitted", err_code=""))[12:] == "submitted   1234567B  -> 200"


def test_an_inbound_message_is_one_line_with_masked_numbers() -> None:
    message = InboundMessage(
        "sms-inbound", ("0A0000001234567B", "1B"), "447700900001", "447700900900", "x", 1.0
    )

    line = shown(message)[12:]
    assert line == "inbound     1234567B  *********900  from *********001  in 2 parts"
    assert shown(replace(message, sender="A\x1b[31m\nB")).isprintable()


def test_the_ready_lines_show_the_application_and_how_to_get_a_text() -> None:
    text = shown_ready(
        replace(READY, application_id="a-b-c", private_key="/tmp/application.pem", number="447700900900")
    )

    assert "app        id a-b-c, private key /tmp/application.pem" in text
    assert "inbound    texts to 447700900900 go to the URL of the number, else of the account" in text
    assert """curl -d '{"text": "STOP"}' http://127.0.0.1:3050/simulator/inbound""" in text
    assert "go to the inbound_url of the application" in shown_ready(replace(READY, messaging_api="messages"))


def test_a_program_that_does_not_trust_is_a_notice() -> None:
    event = event_of(TlsHandshakeFailed("TLSV1_ALERT_UNKNOWN_CA"))

    assert isinstance(event, Notice)
    assert "(TLSV1_ALERT_UNKNOWN_CA)" in event.text


def test_hostile_text_does_not_control_the_terminal() -> None:
    with run_simulator(SimulatorOptions()) as simulator:
        send(simulator, "447700900105", **{"from": "A\x1b[31m\nB"})
        send(simulator, "447700900105", **{"from": "ABC"})
        (message,) = simulator.messages

    assert "from ABC" in shown(message)
    assert shown(replace(message, sender="A\x1b[31m\nB")).isprintable()
    event = event_of(Refusal("sms", 3, "x\x9b31m\n"))
    assert isinstance(event, Refusal)
    assert event.reason.isprintable()


def test_the_ready_lines_are_commands_to_copy() -> None:
    text = shown_ready(READY)

    assert "curl -u abcd1234:S3cretSimulator -d drCallBackUrl=" in text
    assert "-d text=Hello http://127.0.0.1:3050/sms/json" in text
    assert "VONAGE_REST_HOST=127.0.0.1:3050 devkit dev" in text
    assert "start the simulator with --tls" in text
    assert "https://" not in text


def test_the_ready_lines_show_how_to_trust_the_certificate() -> None:
    text = shown_ready(replace(READY, authority="/my files/ca.pem", bundle="/my files/bundle.pem"))

    assert "http://127.0.0.1:3050 and https://127.0.0.1:3050" in text
    assert "export REQUESTS_CA_BUNDLE='/my files/bundle.pem'" in text
    assert "export NODE_EXTRA_CA_CERTS='/my files/ca.pem'" in text
    assert "curl --cacert '/my files/ca.pem' https://127.0.0.1:3050/..." in text
    assert "start the simulator with --tls" not in text


def test_the_ready_lines_show_no_secret_that_was_chosen() -> None:
    text = shown_ready(replace(READY, api_secret="", signature="sha256"))

    assert 'api_secret="$VONAGE_API_SECRET"' in text
    assert "secret the one you chose" in text
    assert "signed with sha256" in text
    assert "VONAGE_SIGNATURE_SECRET" not in text
    assert "VONAGE_SIGNATURE_SECRET=known" in shown_ready(
        replace(READY, signature="sha256", signature_secret="known")
    )


def test_each_event_has_a_name_of_its_own() -> None:
    kinds = [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)]
    kinds = [kind for kind in kinds if kind not in (Event, Notice)]

    assert {kind.name for kind in kinds} == {
        *("ready", "message", "inbound", "delivery", "refused", "stopped"),
        *("settings", "application", "number"),
    }
    assert len(kinds) == 9
    assert DeliveryTried in kinds


def test_who_else_is_served_is_shown_at_the_start() -> None:
    open_one = "\n".join(click.unstyle(line) for line in lines(replace(READY, private_network=True)))

    assert "network    programs in private networks too" in open_one
    assert "private networks" not in shown_ready(READY)
