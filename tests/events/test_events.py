import json
from dataclasses import fields
from inspect import signature

from devkit.events import Event, Notice, session
from devkit.events.session import Ready, ReceiptTaken, Sent, SimulatorAddress


def every_kind() -> list[type[Event]]:
    kinds = [kind for kind in vars(session).values() if isinstance(kind, type) and issubclass(kind, Event)]
    return [Notice, *(kind for kind in kinds if kind is not Event)]


def test_each_kind_of_event_has_a_name_of_its_own() -> None:
    names = [kind.name for kind in every_kind()]

    assert len(set(names)) == len(names) > 5
    assert {"ready", "receipt", "probe", "refused", "tunnel", "registered", "restored", "stopped"} <= set(
        names
    )


def test_the_name_comes_first_and_no_field_hides_it() -> None:
    ready = Ready(
        "offline", "", "http://127.0.0.1:3000/x", "http://127.0.0.1:3000", "", "fixtures/recorded", 1
    )

    assert list(ready.as_json())[:2] == ["event", "mode"]
    assert all("event" not in signature(kind).parameters for kind in every_kind())


def test_the_ready_line_holds_what_programs_rely_on() -> None:
    assert [field.name for field in fields(Ready)] == [
        "mode",
        "public_url",
        "callback_url",
        "local_url",
        "inspector_url",
        "recorded",
        "pid",
        "simulator",
        "forward_url",
        "forward_answers",
        "relay",
        "who",
    ]


def test_the_ready_line_of_an_offline_session_says_where_its_simulator_is() -> None:
    at = SimulatorAddress(
        "http://127.0.0.1:3050", "127.0.0.1:3050", "abcd1234", "s3cret", "ca.pem", "bundle.pem"
    )
    ready = Ready("offline", "", "", "", "", "", 1, at)

    assert json.loads(json.dumps(ready.as_json()))["simulator"] == {
        "url": "http://127.0.0.1:3050",
        "host": "127.0.0.1:3050",
        "api_key": "abcd1234",
        "api_secret": "s3cret",
        "authority": "ca.pem",
        "bundle": "bundle.pem",
        "application_id": "",
        "private_key": "",
    }
    assert "s3cret" not in repr(ready)
    assert Ready("live", "", "", "", "", "", 1).as_json()["simulator"] is None


def test_a_receipt_line_holds_what_programs_rely_on() -> None:
    promised = ["file", "message_id", "status", "err_code", "meaning", "signature", "network", "latency_ms"]

    assert promised == [field.name for field in fields(ReceiptTaken)][: len(promised)]


def test_an_event_is_json() -> None:
    assert json.loads(json.dumps(Sent(("0A", "0B"), "447700900000").as_json())) == {
        "event": "sent",
        "message_ids": ["0A", "0B"],
        "to": "447700900000",
        "at": "",
        "api": "sms",
    }
