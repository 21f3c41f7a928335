"""The addresses of an application are set and restored, and nothing else in it changes."""

import json
import stat
from contextlib import ExitStack
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.errors import CallbackHeldError, VonageError
from devkit.events import Event, Notice
from devkit.events.session import Registered, Restored
from devkit.session.registrations import Registrations, setting_of
from devkit.vonage.application import ApplicationSetting, LinkedNumber, numbers_of, with_address
from devkit.vonage.journal import journal_path, read_journal
from devkit.vonage.registration import Registration
from devkit.vonage.restoration import Restoration, restore_callback
from devkit.vonage.setting import AddressName, CallbackSetting, Retry
from tests.support.fake_application import (
    APPLICATION,
    APPLICATION_ID,
    FORMER_INBOUND,
    FORMER_STATUS,
    FakeVonage,
    as_json,
    fake_vonage,
    without_messages,
)
from tests.support.recording_server import Response

OURS = "https://dlr.example.test/webhooks/delivery-receipt/0123456789abcdef"
THEIRS = "https://their.example.com/webhooks/delivery-receipt/fedcba9876543210"
OTHERS = "https://other.example.com/status"
NAMES: tuple[AddressName, AddressName] = ("status_url", "inbound_url")


class Session:
    """The registration of an application, without the account's settings."""

    def __init__(self, directory: Path, vonage: FakeVonage) -> None:
        self.journal = directory / "registration.json"
        self.events: list[Event] = []
        self.asked: list[str] = []
        self.agrees = True
        retry = Retry(sleep=lambda seconds: None)
        settings: list[CallbackSetting] = [
            ApplicationSetting(vonage.credentials, APPLICATION_ID, name, retry) for name in NAMES
        ]
        self.registrations = Registrations(settings, self.journal, self.events.append, self._agree)
        self.vonage = vonage

    def register(self, stack: ExitStack) -> list[Registration]:
        return self.registrations.register(stack, OURS, "2026-11-23T12:00:00+00:00")

    def kill(self) -> None:
        """Leave what a killed session leaves."""
        with ExitStack() as stack:
            self.register(stack)
            application = deepcopy(self.vonage.application)
            files = {path: path.read_bytes() for path in self.journal.parent.iterdir()}
        self.vonage.application = application
        for path, content in files.items():
            path.write_bytes(content)
        self.vonage.puts.clear()

    def restore(self, *names: AddressName, clear: bool = False) -> list[Restoration]:
        """As `devkit restore`."""
        return [self._restore(name, clear) for name in names or reversed(NAMES)]

    def restore_all(self) -> None:
        """As `devkit restore` again, when Vonage answers."""
        left = [name for name in NAMES if journal_path(self.journal, name).exists()]
        if left:
            self.restore(*left)

    def _restore(self, name: AddressName, clear: bool) -> Restoration:
        path = journal_path(self.journal, name)
        journal = read_journal(path)
        assert journal
        return restore_callback(
            setting_of(self.vonage.credentials, journal), journal, path, lambda text: None, clear=clear
        )

    def _agree(self, text: str) -> None:
        self.asked.append(text)
        if not self.agrees:
            raise CallbackHeldError(text)


def test_both_addresses_are_ours_in_between_and_the_application_is_as_before(tmp_path: Path) -> None:
    with fake_vonage() as vonage:
        session = Session(tmp_path, vonage)
        with ExitStack() as stack:
            session.register(stack)
            assert vonage.addresses == {"inbound_url": OURS, "status_url": OURS}

        assert json.dumps(vonage.application) == json.dumps(APPLICATION)
        assert all(put["keys"] == APPLICATION["keys"] for put in vonage.puts)
        assert not {"id", "_links"} & {name for put in vonage.puts for name in put}
    assert session.events == [
        Registered(OURS, FORMER_STATUS, "status_url"),
        Registered(OURS, FORMER_INBOUND, "inbound_url"),
        Restored(FORMER_INBOUND, setting="inbound_url"),
        Restored(FORMER_STATUS, setting="status_url"),
    ]
    assert list(tmp_path.iterdir()) == []


def test_the_journal_has_the_application_and_is_private_before_the_first_put(tmp_path: Path) -> None:
    with fake_vonage() as vonage:
        path = tmp_path / "registration-status_url.json"
        seen: list[Any] = []

        def look() -> None:
            journal = read_journal(path)
            assert journal
            seen.append((stat.S_IMODE(path.stat().st_mode), json.loads(journal.former_application)))

        vonage.before[2] = look  # read, read for the change, PUT
        with ExitStack() as stack:
            Session(tmp_path, vonage).register(stack)

    kept = {name: value for name, value in APPLICATION.items() if name not in ("id", "_links")}
    assert seen == [(0o600, kept)]


@pytest.mark.parametrize("order", [NAMES, NAMES[::-1]])
def test_a_missing_capability_is_added_and_removed_again_after_a_crash_too(
    tmp_path: Path, order: tuple[AddressName, ...]
) -> None:
    with fake_vonage(without_messages()) as vonage:
        session = Session(tmp_path, vonage)
        session.kill()
        assert vonage.application["capabilities"]["messages"] == {
            "version": "v1",
            "webhooks": {name: {"address": OURS, "http_method": "POST"} for name in NAMES},
        }

        assert [done.outcome for done in session.restore(*order)] == ["given-back", "given-back"]
        assert json.dumps(vonage.application) == json.dumps(without_messages())
    assert list(tmp_path.iterdir()) == []


def test_what_somebody_else_changed_meanwhile_stays(tmp_path: Path) -> None:
    with fake_vonage() as vonage:
        session = Session(tmp_path, vonage)
        session.kill()
        vonage.application["name"] = "Renamed"
        vonage.application["capabilities"]["messages"]["webhooks"]["inbound_url"]["address"] = OTHERS
        vonage.application["capabilities"]["rtc"] = {"webhooks": {}}
        expected = deepcopy(vonage.application)
        expected["capabilities"]["messages"]["webhooks"]["status_url"]["address"] = FORMER_STATUS

        inbound, status = session.restore()

        assert json.dumps(vonage.application) == json.dumps(expected)
    assert (inbound.outcome, inbound.callback_url, inbound.lost_url) == (
        "left-alone",
        OTHERS,
        FORMER_INBOUND,
    )
    assert "Vonage dashboard: Applications" in inbound.advice
    assert status.outcome == "given-back"


def test_a_capability_that_somebody_else_has_begun_to_use_is_not_removed(tmp_path: Path) -> None:
    with fake_vonage(without_messages()) as vonage:
        session = Session(tmp_path, vonage)
        session.kill()
        vonage.application["capabilities"]["messages"]["authenticate_inbound_media"] = True

        session.restore()

        assert vonage.application["capabilities"]["messages"] == {
            "version": "v1",
            "authenticate_inbound_media": True,
        }


def test_an_unknown_application_is_named_and_nothing_is_changed(tmp_path: Path) -> None:
    other = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"
    with fake_vonage() as vonage:
        setting = ApplicationSetting(vonage.credentials, other, "status_url")

        with pytest.raises(VonageError) as caught:
            setting.read()

    assert caught.value.message == f"The account abcd1234 has no application {other}."
    assert "--application" in caught.value.hint
    assert vonage.puts == []


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (
            400,
            {"title": "Bad Request", "invalid_parameters": [{"name": "status_url", "reason": "is no URL"}]},
            "Vonage answered 400: Bad Request: status_url is no URL",
        ),
        (401, {"title": "Unauthorized"}, "refused the API key"),
        (404, {"title": "Not Found"}, "has no application"),
    ],
)
def test_a_refused_put_ends_in_two_lines_and_changes_nothing(
    tmp_path: Path, status: int, body: dict[str, object], words: str
) -> None:
    with fake_vonage() as vonage:
        vonage.refusal = as_json(body, status)

        with pytest.raises(VonageError, match=words) as caught, ExitStack() as stack:
            Session(tmp_path, vonage).register(stack)

        assert vonage.application == APPLICATION
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_put_that_loses_something_is_noticed_and_the_addresses_are_restored(tmp_path: Path) -> None:
    with fake_vonage() as vonage:
        vonage.saving = lambda application: application["keys"].update(public_key="another")

        with pytest.raises(VonageError, match=r"keys\.public_key is not what was sent"), ExitStack() as stack:
            Session(tmp_path, vonage).register(stack)

        assert vonage.addresses == {"inbound_url": FORMER_INBOUND, "status_url": FORMER_STATUS}


def test_a_200_that_saves_nothing_is_noticed(tmp_path: Path) -> None:
    with fake_vonage() as vonage:
        former = deepcopy(APPLICATION)
        vonage.saving = lambda application: application.update(deepcopy(former))

        with pytest.raises(VonageError) as caught, ExitStack() as stack:
            Session(tmp_path, vonage).register(stack)

    assert f"the application holds {FORMER_STATUS} instead of {OURS}" in caught.value.message
    assert "Applications" in caught.value.hint


CALLS = 16  # for each address: read; and twice, to set and to restore it: read, PUT, read back


@pytest.mark.parametrize("saves", [False, True])
@pytest.mark.parametrize(
    "fault", [None, Response(500), as_json({"title": "Too many"}, 429), Response(200, b"<html>")]
)
def test_a_fault_at_any_call_ends_in_words_and_in_an_application_as_it_was(
    tmp_path: Path, fault: Response | None, saves: bool
) -> None:
    with fake_vonage() as vonage:
        with ExitStack() as stack:
            Session(tmp_path, vonage).register(stack)
        assert vonage.calls == CALLS

        errors: list[VonageError] = []
        for call in range(CALLS):
            session = Session(tmp_path, vonage)
            vonage.calls, vonage.faults, vonage.saves_at_fault = 0, {call: fault}, saves
            try:
                with ExitStack() as stack:
                    session.register(stack)
            except VonageError as error:
                errors.append(error)
            session.restore_all()
            assert json.dumps(vonage.application) == json.dumps(APPLICATION), call
            assert list(tmp_path.iterdir()) == []
    assert len(errors) >= CALLS / 2  # before the session has begun, each fault is an error
    assert all(error.message and error.hint for error in errors)


def test_another_devkit_on_the_application_is_asked_about(tmp_path: Path) -> None:
    application = deepcopy(APPLICATION)
    application["capabilities"]["messages"]["webhooks"]["status_url"]["address"] = THEIRS
    with fake_vonage(application) as vonage:
        session = Session(tmp_path, vonage)
        session.agrees = False
        with pytest.raises(CallbackHeldError), ExitStack() as stack:
            session.register(stack)
        assert vonage.puts == []

        session.agrees = True
        with ExitStack() as stack:
            session.register(stack)
        assert vonage.application == application

    assert (
        session.asked == ["The application's status URL is that of another devkit, at their.example.com."] * 2
    )


def test_both_addresses_follow_to_another_url_and_are_restored_from_there(tmp_path: Path) -> None:
    moved = OURS.replace("dlr", "new")
    with fake_vonage() as vonage:
        with ExitStack() as stack:
            for registration in Session(tmp_path, vonage).register(stack):
                registration.move(moved)
            assert vonage.addresses == {"inbound_url": moved, "status_url": moved}

        assert json.dumps(vonage.application) == json.dumps(APPLICATION)


def test_the_next_session_knows_what_a_killed_one_replaced(tmp_path: Path) -> None:
    with fake_vonage(without_messages()) as vonage:
        Session(tmp_path, vonage).kill()
        session = Session(tmp_path, vonage)
        with ExitStack() as stack:
            session.register(stack)

        assert json.dumps(vonage.application) == json.dumps(without_messages())
    notices = [event.text for event in session.events if isinstance(event, Notice)]
    assert notices == ["A killed session left its callback in the application; it is replaced."] * 2


def test_an_application_that_was_deleted_meanwhile_is_named_and_its_journal_too(tmp_path: Path) -> None:
    with fake_vonage() as vonage:
        session = Session(tmp_path, vonage)
        session.kill()
        gone = as_json({"title": "Not Found"}, 404)
        vonage.faults = dict.fromkeys(range(vonage.calls, 99), gone)

        with pytest.raises(VonageError, match="has no application") as caught:
            session.restore("status_url")

    assert f"delete {journal_path(session.journal, 'status_url')}" in caught.value.hint


def test_a_former_address_can_be_unset(tmp_path: Path) -> None:
    with fake_vonage() as vonage:
        session = Session(tmp_path, vonage)
        session.kill()

        session.restore(clear=True)

        assert vonage.application["capabilities"]["messages"]["webhooks"] == {}


@pytest.mark.parametrize(
    ("messages", "status"),
    [
        ({}, None),
        ({"webhooks": {}}, None),
        ({"webhooks": None, "version": "v0.1"}, None),
        ({"webhooks": {"status_url": None}}, None),
        ({"webhooks": {"status_url": {"address": ""}}}, None),
        ({"webhooks": {"status_url": {"http_method": "POST", "socket_timeout": 5}}}, None),
        (None, None),
    ],
)
def test_an_address_that_was_not_set_is_unset_in_the_same_form(messages: Any, status: None) -> None:
    former = {"name": "x", "capabilities": {"voice": {}, "messages": messages}}

    ours = with_address(former, "status_url", OURS, {})
    after = with_address(ours, "status_url", "", former)

    assert ours["capabilities"]["messages"]["webhooks"]["status_url"]["address"] == OURS
    assert json.dumps(after) == json.dumps(former)


values = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
objects = st.recursive(
    values,
    lambda inner: st.dictionaries(st.text(max_size=4), inner, max_size=3) | st.lists(inner, max_size=3),
)
webhooks = st.none() | st.dictionaries(
    st.sampled_from([*NAMES, "other_url"]),
    st.none() | st.fixed_dictionaries({"address": st.sampled_from([OTHERS, FORMER_STATUS])}),
)
capabilities = st.dictionaries(
    st.sampled_from(["voice", "rtc", "vbc"]), objects, max_size=2
) | st.fixed_dictionaries(
    {"messages": st.none() | st.fixed_dictionaries({"webhooks": webhooks, "x": objects})}
)
applications = st.fixed_dictionaries(
    {"name": st.text(max_size=5)}, optional={"capabilities": capabilities, "new": objects}
)


@given(applications, st.permutations(NAMES))
def test_any_application_is_the_same_after_a_session(former: Any, order: list[AddressName]) -> None:
    ours = with_address(with_address(former, "status_url", OURS, {}), "inbound_url", OURS, {})
    assert ours != former

    after = ours
    for name in order:
        found = former.get("capabilities", {}).get("messages") or {}
        url = ((found.get("webhooks") or {}).get(name) or {}).get("address", "")
        after = with_address(after, name, url, former)

    assert json.dumps(after) == json.dumps(former)


def test_numbers_are_read_and_those_without_sms_left_out() -> None:
    with fake_vonage() as vonage:
        assert numbers_of(vonage.credentials, APPLICATION_ID) == []
        vonage.numbers = [
            {"msisdn": "447700900000", "features": ["SMS", "VOICE"], "app_id": APPLICATION_ID},
            {"msisdn": "447700900003", "moHttpUrl": "https://production.example.com/sms", "features": None},
            {"msisdn": "447700900001", "features": ["VOICE"], "app_id": APPLICATION_ID},
            {"msisdn": "447700900002", "features": ["SMS"], "app_id": "another"},
        ]
        assert numbers_of(vonage.credentials, APPLICATION_ID) == [
            *(LinkedNumber("447700900000"), LinkedNumber("447700900003", has_own_url=True))
        ]
        assert vonage.arrived[-1].target == f"/account/numbers?application_id={APPLICATION_ID}&size=100"
