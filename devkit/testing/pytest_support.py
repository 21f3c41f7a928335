"""The parts of the pytest plugin: settings, parametrization, the client for the simulator, differences."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devkit.errors import FixtureError
from devkit.testing.factories import make_inbound, make_receipt, make_status
from devkit.testing.faults import FaultCase, fault_cases
from devkit.testing.fields import Fields, masked
from devkit.testing.sample_webhook import SampleWebhook, load, load_all
from devkit.testing.signing import resign, resigned_if_valid
from devkit.testing.status_faults import status_fault_cases
from devkit.webhook.receipt import Receipt
from devkit.webhook.signature import METHODS, TEST_SIGNATURE_SECRET, Method

if TYPE_CHECKING:  # only the types: most tests need neither the simulator nor the SDK
    import vonage

    from devkit.simulator import Simulator, SimulatorOptions


@dataclass(frozen=True, slots=True)
class PluginSettings:
    """directories: searched in turn for fixture names. secret: signs receipts, unless it is empty."""

    directories: tuple[Path, ...]
    secret: str = field(repr=False)
    method: Method

    def load(self, name: str) -> SampleWebhook:
        """The receipt in one fixture file. A valid signature is replaced by one with the project's own secret."""
        return self._resigned(load(name, self.directories))

    def load_all(self, pattern: str) -> list[SampleWebhook]:
        """The receipts that match a pattern, in name order. Signatures as for `load`."""
        return [self._resigned(receipt) for receipt in load_all(pattern, self.directories)]

    def _resigned(self, receipt: SampleWebhook) -> SampleWebhook:
        if not self.secret:
            return receipt
        return resigned_if_valid(receipt, TEST_SIGNATURE_SECRET, self.secret, self.method)

    def make_receipt(self, *args: Any, signed: bool = True, **named: Any) -> SampleWebhook:
        """As the function in `factories`, and signed if there is a secret. signed: False gives an unsigned one."""
        return self._signed(make_receipt(*args, **named), signed)

    def make_status(self, *args: Any, signed: bool = True, **named: Any) -> SampleWebhook:
        """As `make_receipt`."""
        return self._signed(make_status(*args, **named), signed)

    def make_inbound(self, *args: Any, signed: bool = True, **named: Any) -> SampleWebhook:
        """As `make_receipt`."""
        return self._signed(make_inbound(*args, **named), signed)

    def _signed(self, webhook: SampleWebhook, signed: bool) -> SampleWebhook:
        return resign(webhook, self.secret, self.method) if self.secret and signed else webhook

    @property
    def simulator_options(self) -> "SimulatorOptions":
        """A simulator whose time jumps from event to event; it signs with the project's secret."""
        from devkit.simulator.options import SimulatorOptions

        options = SimulatorOptions(speed=math.inf, signature_method=self.method)
        return replace(options, sign_receipts=True, signature_secret=self.secret) if self.secret else options


def settings_of(config: pytest.Config) -> PluginSettings:
    """The settings of a test run. Raises pytest.UsageError."""
    return PluginSettings(_directories(config), config.getini("dlr_signature_secret"), _method(config))


def _directories(config: pytest.Config) -> tuple[Path, ...]:
    option = config.getoption("--dlr-fixtures")
    given = [config.invocation_params.dir / option] if option else []
    given += config.getini("dlr_fixtures")
    for directory in given:
        if not directory.is_dir():
            raise pytest.UsageError(f"dlr_fixtures: there is no directory {directory}")
    return tuple(given) or (config.rootpath / "fixtures" / "samples",)


def _method(config: pytest.Config) -> Method:
    name = config.getini("dlr_signature_method")
    for method in METHODS:
        if name == method:
            return method
    raise pytest.UsageError(f"dlr_signature_method is {name!r}; it is one of {', '.join(METHODS)}")


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Parametrize a marked test. A wrong marker, or one that finds nothing, is a collection error."""
    try:
        settings = settings_of(metafunc.config)
        faults = partial(fault_cases, secret=settings.secret, method=settings.method)
        _apply(metafunc, "dlr", "dlr_receipt", partial(_receipts, settings))
        _apply(metafunc, "dlr_faults", "dlr_fault", faults)
        status_faults = partial(status_fault_cases, secret=settings.secret)
        _apply(metafunc, "dlr_status_faults", "dlr_fault", status_faults)
    except FixtureError as error:
        problem = f"{error.message} {error.hint}"
    except (TypeError, ValueError, pytest.UsageError) as error:
        problem = str(error)
    else:
        return
    pytest.fail(f"{metafunc.definition.nodeid}: {problem}", pytrace=False)


def _apply(
    metafunc: pytest.Metafunc,
    marker: str,
    argument: str,
    choose: Callable[..., Sequence[SampleWebhook | FaultCase]],
) -> None:
    marks = list(metafunc.definition.iter_markers(marker))
    if not marks:
        return
    if argument not in metafunc.fixturenames:
        raise ValueError(f"a test marked with {marker} takes an argument {argument!r}")
    values = {value.name: value for mark in marks for value in choose(*mark.args, **mark.kwargs)}
    metafunc.parametrize(argument, list(values.values()), ids=list(values))


def _receipts(
    settings: PluginSettings,
    *patterns: str,
    status: str | Collection[str] | None = None,
    kind: str | Collection[str] | None = None,
    allow_empty: bool = False,
) -> list[SampleWebhook]:
    """The receipts that a marker `dlr` names. Raises FixtureError when there are none, unless allow_empty is set."""
    patterns = patterns or ("*",)
    # The statuses of another API are asked for by its kind.
    kinds = "sms-receipt" if status is not None and kind is None else kind
    chosen = [
        receipt
        for pattern in patterns
        for receipt in _found(settings, pattern, allow_empty=allow_empty)
        if _is_wanted(receipt.status, status) and _is_wanted(receipt.kind, kinds)
    ]
    if not chosen and not allow_empty:
        wanted = {"status": status, "kind": kind}
        said = [f"the {name} {value!r}" for name, value in wanted.items() if value is not None]
        raise FixtureError(
            f"No fixture in {', '.join(patterns)} has {' and '.join(said)}.",
            hint="Name other fixtures, or use allow_empty=True.",
        )
    return chosen


def _found(settings: PluginSettings, pattern: str, *, allow_empty: bool) -> list[SampleWebhook]:
    try:
        return settings.load_all(pattern)
    except FixtureError:
        if allow_empty:
            return []
        raise


def _is_wanted(value: str, wanted: str | Collection[str] | None) -> bool:
    return wanted is None or value in ((wanted,) if isinstance(wanted, str) else wanted)


def client_of(simulator: "Simulator") -> "vonage.Vonage":
    """A client whose APIs talk to the simulator, as far as it has them. `messages` sends as its application."""
    import vonage
    from vonage_account import Account
    from vonage_application import Application
    from vonage_messages import Messages
    from vonage_numbers import Numbers
    from vonage_sms import Sms

    from devkit.vonage.client import ApplicationKey, Credentials, make_client

    credentials = Credentials(simulator.api_key, simulator.api_secret, simulator.host)
    application = ApplicationKey(simulator.application_id, simulator.private_key)
    client = vonage.Vonage(vonage.Auth(api_key=simulator.api_key, api_secret=simulator.api_secret))
    # One client for each API: the SDK shares the headers of a client between calls of different kinds.
    client.sms = Sms(make_client(credentials))
    client.account = Account(make_client(credentials))
    client.messages = Messages(make_client(credentials, application=application))
    client.application = Application(make_client(credentials))
    client.numbers = Numbers(make_client(credentials))
    return client


def difference(left: object, right: object) -> list[str] | None:
    """An explanation of a failed comparison; None when the values are not receipts or their fields."""
    ours = any(isinstance(side, Fields | SampleWebhook | Receipt) for side in (left, right))
    first, second = _fields(left), _fields(right)
    if not ours or first is None or second is None:
        return None
    # pytest prints `assert` before the first line.
    lines = ["equal receipts, but these fields differ (phone numbers are masked):"]
    for name in dict.fromkeys((*first, *second)):
        if name not in second:
            lines.append(f"  {name}: {masked(name, first[name])!r} on the left only")
        elif name not in first:
            lines.append(f"  {name}: {masked(name, second[name])!r} on the right only")
        elif first[name] != second[name]:
            lines.append(f"  {name}: {masked(name, first[name])!r} != {masked(name, second[name])!r}")
    if len(lines) == 1:
        return ["equal receipts, but only their fields are equal:", f"  {left!r}", f"  {right!r}"]
    return lines


def _fields(side: object) -> Mapping[str, object] | None:
    if isinstance(side, SampleWebhook | Receipt):
        return side.fields
    return side if isinstance(side, Mapping) else None
