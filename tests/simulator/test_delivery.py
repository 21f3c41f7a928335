import json
import math
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import pytest
from vonage_sms import SmsMessage

from devkit.http.server import listen
from devkit.simulator import Clock, Delays, InboundText, SimulatorOptions, run_simulator
from devkit.webhook.callback import TRANSPORTS
from devkit.webhook.signature import METHODS, verify
from tests.support.raw_socket import DEADLINE
from tests.support.recipients import RECIPIENTS
from tests.support.simulator_client import (
    JUMPING,
    call,
    listening,
    post,
    register,
    sdk,
    send,
    unused_url,
)

HOUR = 3600
ORDER = [
    *("msisdn", "to", "network-code", "messageId", "price", "status", "scts"),
    *("err-code", "client-ref", "api-key", "message-timestamp"),
]


@pytest.fixture
def simulator(simulator, listener):
    register(simulator, listener)
    return simulator


def outcome_of(simulator, listener, recipient):
    send(simulator, recipient)
    assert simulator.wait_idle(10)
    return [(receipt.status, receipt.err_code) for receipt in listener.receipts]


@pytest.mark.parametrize(("recipient", "receipts"), RECIPIENTS.items())
def test_the_recipient_decides(simulator, listener, recipient, receipts):
    assert outcome_of(simulator, listener, recipient) == receipts


@pytest.mark.parametrize("recipient", ["447700900016", "12025550123"])
def test_any_other_recipient_is_as_the_first(simulator, listener, recipient):
    assert outcome_of(simulator, listener, recipient) == RECIPIENTS["447700900000"]


def test_an_early_receipt_is_answered_before_the_send_call(simulator, listener):
    listener.gate.clear()
    with ThreadPoolExecutor(1) as sender:
        sending = sender.submit(send, simulator, "447700900104")
        (receipt,) = listener.wait_for(1)
        with pytest.raises(TimeoutError):
            sending.result(timeout=0.1)
        listener.gate.set()

        assert sending.result(DEADLINE)[0]["message-id"] == receipt.message_id


def test_an_unreachable_callback_does_not_fail_the_send_call_of_an_early_receipt():
    with run_simulator(JUMPING) as simulator:
        (entry,) = send(simulator, "447700900104", callback=unused_url())

    assert entry["status"] == "0"


def test_nothing_comes_for_72_hours_before_expired(simulator, listener):
    sent = simulator.clock.now()

    outcome_of(simulator, listener, "447700900101")

    assert simulator.deliveries[0].at == pytest.approx(sent + 72 * HOUR, abs=5)


def test_a_ttl_brings_expired_forward(simulator):
    sent = simulator.clock.now()
    send(simulator, "447700900101", ttl=3_600_000)

    assert simulator.wait_idle(10)
    assert simulator.deliveries[0].at == pytest.approx(sent + HOUR, abs=5)


def test_each_part_has_its_own_receipts(simulator, listener):
    entries = send(simulator, text="x" * 161)

    assert simulator.wait_idle(10)
    statuses: dict[str, list[str]] = {entry["message-id"]: [] for entry in entries}
    for receipt in listener.receipts:
        statuses[receipt.message_id].append(receipt.status)
    assert list(statuses.values()) == [["accepted", "buffered", "delivered"]] * 2


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_receipts_come_by_the_accounts_method(listener, transport):
    with run_simulator(replace(JUMPING, method=transport)) as simulator:
        register(simulator, listener)
        (entry,) = send(simulator, "447700900100", client_ref="a&b=c é")
        (receipt,) = listener.wait_for(1)

    callback = listener.arrived[-1]
    assert callback.transport == transport
    assert list(receipt.fields) == ORDER
    assert all(isinstance(value, str) for value in receipt.fields.values())
    assert receipt.text("client-ref") == "a&b=c é"
    assert receipt.message_id == entry["message-id"]
    agent = "Jakarta Commons-HttpClient/3.1" if transport == "json" else "Nexmo/MessagingHUB/v1.0"
    assert callback.header("User-Agent") == agent


def test_the_settings_api_changes_the_method(simulator, listener):
    post(simulator, "/account/settings", {"httpForwardMethod": "POST_JSON"})
    send(simulator, "447700900100")

    listener.wait_for(1)
    assert listener.arrived[-1].transport == "json"


def test_fields_say_what_was_sent(simulator, listener):
    send(simulator, "12025550123", **{"from": "447700900001"})

    fields = listener.wait_for(1)[0].fields
    assert fields["msisdn"] == "12025550123"
    assert fields["to"] == "447700900001"
    assert fields["network-code"] == "310004"
    assert fields["price"] == "0.00845000"
    assert fields["api-key"] == simulator.api_key
    assert "client-ref" not in fields


def test_scts_is_utc_for_accepted_and_local_for_delivered(listener):
    start = datetime.fromisoformat("2019-05-17T10:57:00Z").timestamp()
    with run_simulator(JUMPING, clock=Clock(math.inf, start=start)) as simulator:
        register(simulator, listener)
        outcome_of(simulator, listener, "447700900000")

    stamps = [(receipt.text("scts"), receipt.text("message-timestamp")) for receipt in listener.receipts]
    assert stamps == [
        ("1905171057", "2019-05-17 10:57:00"),
        ("1905171057", "2019-05-17 10:57:01"),
        ("1905171157", "2019-05-17 10:57:02"),
    ]


@pytest.mark.parametrize(
    ("recipient", "scts"),
    [
        ("447700900000", "1905171157"),
        ("4500000000", "1905171257"),  # Denmark
        ("12025550123", "1905171057"),
        ("380000000000", "1905171057"),  # Ukraine
        ("961000000", "1905171057"),  # Lebanon
        ("49000000000", "1905171057"),
    ],
)
def test_scts_of_a_final_receipt_is_local_where_captures_show_it_and_else_utc(listener, recipient, scts):
    start = datetime.fromisoformat("2019-05-17T10:57:00Z").timestamp()
    with run_simulator(JUMPING, clock=Clock(math.inf, start=start)) as simulator:
        register(simulator, listener)
        outcome_of(simulator, listener, recipient)

    assert [receipt.text("scts") for receipt in listener.receipts] == ["1905171057", "1905171057", scts]


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("method", METHODS)
def test_signed_receipts_verify(listener, method, transport):
    options = replace(
        JUMPING, sign_receipts=True, signature_method=method, signature_secret="s3cret", method=transport
    )
    with run_simulator(options) as simulator:
        register(simulator, listener)
        send(simulator, "447700900100", client_ref="a&b=c")
        (receipt,) = listener.wait_for(1)

    assert verify(receipt.fields, "s3cret", method) == "valid"
    assert list(receipt.fields) == [*ORDER, "timestamp", "nonce", "sig"]
    sig = receipt.text("sig")
    assert sig == (sig.lower() if method == "md5hash" else sig.upper())


def test_the_callback_of_the_message_goes_before_that_of_the_account(simulator, listener):
    with listening() as other:
        send(simulator, "447700900100", callback=other.url)

        other.wait_for(1)
        assert simulator.wait_idle(10)
    assert listener.receipts == []


def test_a_query_of_the_callback_url_is_kept(simulator, listener):
    send(simulator, "447700900100", callback=f"{listener.url}?tenant=7")

    listener.wait_for(1)
    assert listener.arrived[-1].query.startswith("tenant=7&msisdn=")


def test_without_a_callback_url_the_receipt_is_noted_and_not_pushed():
    with run_simulator(JUMPING) as simulator:
        send(simulator, "447700900100")
        assert simulator.wait_idle(10)

        (delivery,) = simulator.deliveries
    assert (delivery.answer, delivery.problem) == (None, "the account has no callback URL")


def test_receipts_do_not_leave_this_machine_unless_allowed():
    with run_simulator(JUMPING) as simulator:
        send(simulator, "447700900100", callback="http://192.0.2.1/dlr")
        assert simulator.wait_idle(10)

        (delivery,) = simulator.deliveries
    assert delivery.answer is None
    assert "not on this machine" in delivery.problem


@pytest.mark.parametrize("retry", ["minutely", "backoff"])
def test_a_receipt_is_pushed_again_until_it_is_taken(listener, retry):
    listener.answers = [503, 503, 503]
    with run_simulator(replace(JUMPING, retry=retry)) as simulator:
        register(simulator, listener)
        send(simulator, "447700900100")
        assert simulator.wait_idle(10)

        attempts = [(delivery.attempt, delivery.answer) for delivery in simulator.deliveries]
        gaps = spacing(simulator)
    assert attempts == [(1, 503), (2, 503), (3, 503), (4, 200)]
    assert gaps == ([60, 60, 60] if retry == "minutely" else [5, 10, 20])
    pushed = listener.arrived[1:]
    assert len({(callback.target, callback.headers, callback.body) for callback in pushed}) == 1


def spacing(simulator):
    moments = [delivery.at for delivery in simulator.deliveries]
    return [round(later - earlier) for earlier, later in pairwise(moments)]


def test_a_receiver_that_is_down_is_tried_every_minute_for_72_hours():
    with run_simulator(JUMPING) as simulator:
        send(simulator, "447700900100", callback=unused_url())
        assert simulator.wait_idle(30)

        deliveries = simulator.deliveries
    assert len(deliveries) == 1 + 72 * 60
    assert deliveries[-1].at - deliveries[0].at == pytest.approx(72 * HOUR)
    assert deliveries[-1].retry_at is None
    assert {delivery.problem for delivery in deliveries} == {"unreachable"}


def test_a_receiver_that_never_answers_is_tried_again():
    options = replace(JUMPING, read_timeout=0.05, retry="backoff", speed=1)
    with listen("127.0.0.1", 0) as silent, run_simulator(options) as simulator:
        send(simulator, "447700900104", callback=f"http://127.0.0.1:{silent.getsockname()[1]}/")

        (delivery,) = simulator.deliveries
    assert (delivery.answer, delivery.problem) == (None, "timeout")
    assert delivery.retry_at == pytest.approx(delivery.at + 5, abs=2)


def test_back_off_doubles_up_to_15_minutes_and_ends_after_24_hours():
    with run_simulator(replace(JUMPING, retry="backoff")) as simulator:
        send(simulator, "447700900100", callback=unused_url())
        assert simulator.wait_idle(30)

        gaps = spacing(simulator)
    assert gaps[:10] == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]
    assert 23.5 * HOUR < sum(gaps) <= 24 * HOUR


@pytest.mark.parametrize(
    ("retry", "answer", "attempts"),
    [
        ("minutely", 404, 2),
        ("minutely", 302, 2),
        ("minutely", 204, 1),
        ("minutely", 206, 2),
        ("backoff", 404, 1),
        ("backoff", 302, 1),
        ("backoff", 429, 2),
        ("backoff", 500, 2),
    ],
)
def test_what_is_tried_again_depends_on_the_policy(listener, retry, answer, attempts):
    listener.answers = [answer]
    with run_simulator(replace(JUMPING, retry=retry)) as simulator:
        register(simulator, listener)
        send(simulator, "447700900100")
        assert simulator.wait_idle(10)

        assert len(simulator.deliveries) == attempts


def test_a_receipt_that_waits_for_its_retry_does_not_delay_the_next_one(simulator, listener):
    listener.answers = [500]

    assert [status for status, _ in outcome_of(simulator, listener, "447700900000")] == [
        "accepted",
        "buffered",
        "delivered",
        "accepted",
    ]


def test_three_receipts_of_a_demonstration_come_within_five_real_seconds():
    delays = Delays()

    assert 0 < delays.accepted < delays.buffered < delays.final < 5


def test_a_clock_at_speed_60_takes_a_sixtieth_of_the_time(listener):
    with run_simulator(SimulatorOptions(speed=60)) as simulator:
        register(simulator, listener)
        send(simulator)

        assert simulator.wait_idle(10)
        assert listener.statuses == ["accepted", "buffered", "delivered"]
        assert simulator.deliveries[2].at - simulator.messages[0].at >= 2


def test_the_speed_can_change_while_receipts_are_due(listener):
    with run_simulator(SimulatorOptions(speed=0.001)) as simulator:
        register(simulator, listener)
        send(simulator)
        call(simulator, "POST", "/simulator/settings", json.dumps({"speed": "max"}))

        assert len(listener.wait_for(3)) == 3


def test_a_reset_forgets_what_was_due(listener):
    with run_simulator(SimulatorOptions(speed=0.001)) as simulator:
        register(simulator, listener)
        send(simulator)
        simulator.reset()

        assert simulator.wait_idle(1)
        assert (simulator.messages, simulator.deliveries, simulator.account.dr_callback_url) == ((), (), "")
    assert listener.receipts == []


def test_a_reset_forgets_a_receipt_that_is_being_pushed(simulator, listener):
    listener.gate.clear()
    listener.answers = [503]
    send(simulator, callback=listener.url)
    listener.wait_for(1)

    simulator.reset()
    listener.gate.set()

    assert simulator.wait_idle(10)
    assert listener.statuses == ["accepted"]
    assert simulator.deliveries == ()


def test_a_simulator_that_ends_leaves_what_was_due(listener):
    with run_simulator(SimulatorOptions(speed=0.001)) as simulator:
        register(simulator, listener)
        send(simulator)
        assert simulator.due == 1

    assert listener.receipts == []


def test_a_simulator_that_ends_leaves_no_thread_and_no_socket():
    before = set(threading.enumerate())
    with run_simulator(JUMPING) as simulator:
        assert set(threading.enumerate()) > before

    assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionRefusedError):
        post(simulator, "/account/settings")


def test_a_simulator_listens_where_it_is_told():
    socket = listen("127.0.0.1", 0)
    with run_simulator(JUMPING, listener=socket) as simulator:
        assert simulator.host == f"127.0.0.1:{socket.getsockname()[1]}"
        assert simulator.url == f"http://{simulator.host}"
        assert post(simulator, "/account/settings")[0] == 200


def test_the_sdk_gets_its_receipts(simulator, listener):
    message = SmsMessage(
        to="447700900006", from_="AcmeInc", text="Hello", callback=listener.url, client_ref="r"
    )

    response = sdk(simulator).sms.send(message)

    receipts = listener.wait_for(2)
    assert {receipt.message_id for receipt in receipts} == {response.messages[0].message_id}
    assert receipts[1].status == "rejected"


def test_many_messages_at_once_get_exactly_the_promised_receipts(simulator, listener):
    promised = {"447700900000": 3, "447700900001": 2, "447700900102": 2, "447700900105": 0}
    recipients = list(promised) * 60

    with ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(lambda recipient: send(simulator, recipient)[0], recipients))
    assert simulator.wait_idle(30)

    got = Counter(receipt.message_id for receipt in listener.receipts)
    assert got == Counter({answer["message-id"]: promised[answer["to"]] for answer in answers})
    orders: dict[str, list[str]] = {
        answer["message-id"]: [] for answer in answers if answer["to"] == "447700900000"
    }
    for receipt in listener.receipts:
        if receipt.message_id in orders:
            orders[receipt.message_id].append(receipt.status)
    assert set(map(tuple, orders.values())) == {("accepted", "buffered", "delivered")}


def test_the_newest_messages_are_kept():
    with run_simulator(replace(JUMPING, history_size=2)) as simulator:
        ids = [send(simulator, "447700900105")[0]["message-id"] for _ in range(3)]

        assert [message.message_id for message in simulator.messages] == ids[1:]


@pytest.mark.parametrize("start", [253_402_300_799.5, 1e20, math.inf])
def test_a_clock_that_passes_the_year_9999_still_has_receipts_pushed(listener, start):
    options = replace(JUMPING, sign_receipts=True)
    with run_simulator(options, clock=Clock(math.inf, start=start)) as simulator:
        register(simulator, listener)
        send(simulator)
        simulator.receive(InboundText())
        assert simulator.wait_idle(DEADLINE)
        status, _, text = call(simulator, "GET", "/simulator")

    assert listener.statuses == ["accepted", "buffered", "delivered"]
    assert (status, json.loads(text)["now"]) == (200, "9999-12-31T23:59:59Z")
