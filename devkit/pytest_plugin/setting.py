"""What the ini file and the command line say about receipts in tests."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devkit.catalogue import TEST_SIGNATURE_SECRET
from devkit.message_id import IdStyle
from devkit.signature import METHODS, Method
from devkit.testing import TestReceipt, Via, load, load_all, make_receipt, resign
from devkit.testing.edit import resigned_if_valid

if TYPE_CHECKING:  # only names a type; most tests need no simulator
    from devkit.simulator import SimulatorOptions


@dataclass(frozen=True, slots=True)
class Settings:
    """directories: where fixture names are looked up, in turn. secret: signs receipts, unless it is empty."""

    directories: tuple[Path, ...]
    secret: str = field(repr=False)
    method: Method

    def load(self, name: str) -> TestReceipt:
        """The receipt in one fixture file; a valid signature is made anew with the project's own secret."""
        return self._signed(load(name, self.directories))

    def load_all(self, pattern: str) -> list[TestReceipt]:
        """The receipts that a pattern finds, in name order; signatures as with `load`."""
        return [self._signed(receipt) for receipt in load_all(pattern, self.directories)]

    def make(
        self,
        status: str = "delivered",
        via: Via = "GET",
        *,
        signed: bool = True,
        fields: Mapping[str, object] | None = None,
        id_style: IdStyle = "uuid",
        **named: object,
    ) -> TestReceipt:
        """As `make_receipt`, and signed when there is a secret. signed: False leaves it unsigned all the same."""
        receipt = make_receipt(status, via, fields=fields, id_style=id_style, **named)
        return resign(receipt, self.secret, self.method) if self.secret and signed else receipt

    @property
    def simulator_options(self) -> "SimulatorOptions":
        """A simulator that jumps from event to event; it signs as the project's account would."""
        from devkit.simulator import SimulatorOptions

        options = SimulatorOptions(speed=math.inf)
        if not self.secret:
            return options
        return replace(
            options, sign_receipts=True, signature_secret=self.secret, signature_method=self.method
        )

    def _signed(self, receipt: TestReceipt) -> TestReceipt:
        if not self.secret:
            return receipt
        return resigned_if_valid(receipt, TEST_SIGNATURE_SECRET, self.secret, self.method)


def settings_of(config: pytest.Config) -> Settings:
    """The settings of a run. Raises pytest.UsageError for what can't be meant."""
    return Settings(_directories(config), config.getini("dlr_signature_secret"), _method(config))


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
