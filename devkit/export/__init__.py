"""Fixtures in other forms: the raw request, a curl command, an HTTP Archive, a unit test. Each holds what arrived."""

from collections.abc import Callable, Sequence
from pathlib import Path

from devkit.callback import to_wire
from devkit.export.curl import curl_command
from devkit.export.har import archive
from devkit.export.unit_test import unit_test
from devkit.fixture import Fixture

FORMS = ("http", "curl", "har", "pytest")

Loaded = tuple[Path, Fixture]


def export(form: str, loaded: Sequence[Loaded], url: str) -> bytes:
    """The bytes of fixtures in one of FORMS, one after the other. url: where a curl command sends to.

    Nothing is masked: whoever asks for the request gets the phone numbers in it.
    """
    forms: dict[str, Callable[[], bytes]] = {
        "http": lambda: b"".join(to_wire(fixture.callback) for _, fixture in loaded),
        "curl": lambda: "".join(curl_command(fixture.callback, url) for _, fixture in loaded).encode("ascii"),
        "har": lambda: archive([fixture for _, fixture in loaded]).encode("ascii"),
        "pytest": lambda: unit_test(loaded).encode("ascii"),
    }
    return forms[form]()
