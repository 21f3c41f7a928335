"""The pytest plugin: fixtures and markers for handlers of delivery receipts.

Every run of pytest loads it where devkit is installed, so it imports only pytest until it is used.
Every public name begins with `dlr_`, `make_dlr_` or `vonage_`; nothing happens by itself.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # not to hide a circle: these only name types, and the plugin must load in no time
    import vonage

    from devkit.simulator import Simulator
    from devkit.simulator.options import SimulatorOptions
    from devkit.testing.pytest_support import PluginSettings
    from devkit.testing.receipt_server import ReceiptServer, Serve
    from devkit.testing.relay_inbox import RelayInbox
    from devkit.testing.sample_webhook import SampleWebhook
    from devkit.testing.stub import VonageStub

_MARKERS = {
    "dlr": "(*patterns, status=None, kind=None, allow_empty=False): run the test with each delivery receipt that "
    "matches the patterns, as `dlr_receipt`",
    "dlr_faults": "(via=..., only=(), skip=()): run the test with each fault of real receipts, as `dlr_fault`",
    "dlr_status_faults": "(only=(), skip=()): run the test with each fault of Messages API statuses, as `dlr_fault`",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("dlr_fixtures", "directories of delivery receipt fixtures  [fixtures/samples]", "paths", [])
    parser.addini("dlr_signature_secret", "signs the receipts in tests, as your account would", default="")
    parser.addini("dlr_signature_method", "md5hash, md5, sha1, sha256 or sha512", default="md5hash")
    parser.getgroup("devkit", "delivery receipts").addoption(
        "--dlr-fixtures",
        metavar="DIR",
        help="Directory of delivery receipt fixtures, searched before those of the ini file.",
    )


def pytest_configure(config: pytest.Config) -> None:
    for name, text in _MARKERS.items():
        config.addinivalue_line("markers", name + text)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if any(metafunc.definition.get_closest_marker(name) for name in _MARKERS):
        from devkit.testing.pytest_support import parametrize

        parametrize(metafunc)


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    if op != "==" or not any(type(side).__module__.startswith("devkit.") for side in (left, right)):
        return None
    from devkit.testing.pytest_support import difference

    return difference(left, right)


@pytest.fixture
def _dlr_settings(pytestconfig: pytest.Config) -> "PluginSettings":
    from devkit.testing.pytest_support import settings_of

    return settings_of(pytestconfig)


@pytest.fixture
def dlr_fixture(_dlr_settings: "PluginSettings") -> "Callable[[str], SampleWebhook]":
    """Load the receipt in a fixture file by its name: dlr_fixture("delivered")."""
    return _dlr_settings.load


@pytest.fixture
def make_dlr_receipt(_dlr_settings: "PluginSettings") -> "Callable[..., SampleWebhook]":
    """Make a receipt: make_dlr_receipt("failed", via="json", err_code="9"). Signed if dlr_signature_secret is set."""
    return _dlr_settings.make_receipt


@pytest.fixture
def make_dlr_status(_dlr_settings: "PluginSettings") -> "Callable[..., SampleWebhook]":
    """Make a status of the Messages API: make_dlr_status("rejected", error="1240"). Signed as make_dlr_receipt."""
    return _dlr_settings.make_status


@pytest.fixture
def make_dlr_inbound(_dlr_settings: "PluginSettings") -> "Callable[..., SampleWebhook]":
    """Make an inbound message: make_dlr_inbound("STOP", api="messages"). Signed as make_dlr_receipt."""
    return _dlr_settings.make_inbound


@pytest.fixture
def dlr_server() -> "Iterator[ReceiptServer]":
    """A receiver on a free port of this machine that keeps what arrives: `url`, `wait_for_receipt`, ..."""
    from devkit.testing.receipt_server import receipt_server

    with receipt_server() as server:
        yield server


@pytest.fixture
def dlr_serve() -> "Iterator[Serve]":
    """Serve a WSGI application on a free port of this machine and get its URL: dlr_serve(app, "/webhooks/dlr")."""
    from devkit.testing.receipt_server import serving

    with serving() as serve:
        yield serve


@pytest.fixture
def dlr_relay(request: pytest.FixtureRequest) -> "Iterator[RelayInbox]":
    """The receipts that a relay takes for this test: `send`, `callback_url`, `wait_for_receipt`, ...

    Skips the test without DEVKIT_RELAY in the environment.
    """
    import os

    from devkit.errors import DevkitError
    from devkit.testing.relay_inbox import has_relay, relay_inbox

    if not has_relay(os.environ):
        pytest.skip("needs a relay: DEVKIT_RELAY is not set")
    try:
        with relay_inbox(os.environ, request.node.name) as inbox:
            yield inbox
    except DevkitError as error:
        pytest.fail(f"{error.message} {error.hint}", pytrace=False)


@pytest.fixture
def vonage_simulator_options(_dlr_settings: "PluginSettings") -> "SimulatorOptions":
    """The options of vonage_simulator; override this fixture to change them. Time jumps from event to event."""
    return _dlr_settings.simulator_options


@pytest.fixture
def vonage_simulator(vonage_simulator_options: "SimulatorOptions") -> "Iterator[Simulator]":
    """A running simulator of Vonage: `url`, `host`, `api_key`, `api_secret`, `messages`, `wait_idle`, ..."""
    from devkit.simulator.run import run_simulator

    with run_simulator(vonage_simulator_options) as simulator:
        yield simulator


@pytest.fixture
def vonage_client(vonage_simulator: "Simulator") -> "vonage.Vonage":
    """A client of the vonage SDK for vonage_simulator."""
    from devkit.testing.pytest_support import client_of

    return client_of(vonage_simulator)


@pytest.fixture
def vonage_stub() -> "Iterator[VonageStub]":
    """Vonage's SMS and settings APIs without a connection: it answers requests to rest.nexmo.com."""
    from devkit.testing.stub import stubbed

    with stubbed() as stub:
        yield stub
