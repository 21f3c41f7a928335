import threading

import pytest

from devkit.testing import NotReceived, ReceiptInbox, deliver, make_inbound, make_receipt, make_status

DEADLINE = 10.0  # seconds; only a broken inbox comes near it


@pytest.fixture
def inbox():
    return ReceiptInbox()


def test_arrived_receipt_is_returned_at_once_and_stays(inbox):
    receipt = make_receipt()
    inbox.put(receipt)

    assert inbox.wait_for_receipt(timeout=0) is receipt
    assert inbox.wait_for_receipt(timeout=0) is receipt
    assert inbox.receipts == (receipt,)


def test_receipt_is_waited_for(inbox):
    waiting = threading.Event()
    found = []

    def wait():
        waiting.set()
        found.append(inbox.wait_for_receipt(10 * DEADLINE, status="delivered"))

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    assert waiting.wait(DEADLINE)
    inbox.put(make_receipt("accepted"))
    inbox.put(make_receipt("delivered"))
    thread.join(DEADLINE)

    assert [receipt.status for receipt in found] == ["delivered"]


def test_fields_choose_the_receipt(inbox):
    for message_id in ("A", "B"):
        for status in ("accepted", "failed"):
            inbox.put(make_receipt(status, message_id=message_id, err_code=4))

    receipt = inbox.wait_for_receipt(0, message_id="B", status="failed", err_code=4)

    assert (receipt.message_id, receipt.status) == ("B", "failed")


def test_several_are_waited_for_together(inbox):
    for status in ("accepted", "delivered", "delivered"):
        inbox.put(make_receipt(status))

    assert len(inbox.wait_for_receipts(2, 0, status="delivered")) == 2
    with pytest.raises(NotReceived, match=r"No 3 receipts with status=delivered within 0 s\.\n3 arrived:"):
        inbox.wait_for_receipts(3, 0, status="delivered")


def test_timeout_lists_the_arrivals(inbox):
    inbox.put(make_receipt("accepted", msisdn="447700900123"))
    inbox.put(make_receipt("failed", "json", err_code="9"))

    with pytest.raises(NotReceived) as caught:
        inbox.wait_for_receipt(0, status="delivered", msisdn="447700900123")

    assert str(caught.value).splitlines() == [
        "No receipt with status=delivered msisdn=*********123 within 0 s.",
        "2 arrived:",
        "  <SampleWebhook accepted: accepted err-code=0 messageId=3c7e09b1-5a4d-4f68-8a00-00001234567b via get>",
        "  <SampleWebhook failed: failed err-code=9 messageId=3c7e09b1-5a4d-4f68-8a00-00001234567b via json>",
    ]


def test_timeout_says_that_nothing_arrived(inbox):
    with pytest.raises(NotReceived, match=r"^No receipt within 0 s\.\n0 arrived\.$"):
        inbox.wait_for_receipt(timeout=0)


def test_timeout_is_an_assertion_error():
    assert issubclass(NotReceived, AssertionError)


def test_missing_field_is_no_match(inbox):
    inbox.put(make_receipt())

    with pytest.raises(NotReceived):
        inbox.wait_for_receipt(0, client_ref="")


def test_unknown_field_is_an_error(inbox):
    with pytest.raises(TypeError, match="'state' is no field"):
        inbox.wait_for_receipt(0, state="delivered")


def test_inbox_is_a_target(inbox):
    deliver(make_receipt("failed", err_code="9"), inbox.put)

    assert inbox.wait_for_receipt(0).fields == make_receipt("failed", err_code="9").fields


def test_callbacks_are_kept_to_the_byte(inbox):
    callback = make_receipt().callback

    inbox.put(callback)

    assert inbox.wait_for_receipt(0).callback == callback


def test_clear_forgets(inbox):
    inbox.put(make_receipt())
    inbox.clear()

    assert (len(inbox), inbox.receipts) == (0, ())
    assert repr(inbox) == "<ReceiptInbox with 0>"


def test_many_threads_put_at_once(inbox):
    threads = [
        threading.Thread(target=lambda: [inbox.put(make_receipt()) for _ in range(50)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()

    assert len(inbox.wait_for_receipts(200, DEADLINE)) == 200
    for thread in threads:
        thread.join(DEADLINE)


def test_an_inbox_knows_statuses_by_the_names_of_all_kinds() -> None:
    inbox = ReceiptInbox()
    inbox.put(make_status("submitted"))
    inbox.put(make_inbound("Hello", "messages"))

    assert (
        inbox.wait_for_receipt(0, message_id=make_status().message_id, status="submitted").kind
        == "messages-status"
    )
    assert inbox.wait_for_receipt(0, kind="messages-inbound").fields["text"] == "Hello"
    with pytest.raises(NotReceived, match=r"No receipt with kind=sms-receipt within 0 s"):
        inbox.wait_for_receipt(0, kind="sms-receipt")
