"""Fixtures in other forms: the raw request, a curl or HTTPie command, an HTTP Archive, a unit test.

Each holds what arrived; all but the raw request leave the secret of the callback path out.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from devkit.callback import to_wire
from devkit.export.curl import curl_command
from devkit.export.har import archive
from devkit.export.httpie import httpie_command
from devkit.export.unit_test import unit_test
from devkit.fixture import Fixture
from devkit.replay.rewrite import without_secret

FORMS = ("http", "curl", "har", "pytest")
PAGE_FORMS = (*FORMS, "httpie")

Loaded = tuple[Path, Fixture]


def export(form: str, loaded: Sequence[Loaded], url: str) -> bytes:
    """The bytes of fixtures in one of PAGE_FORMS, one after the other. url: where a command sends to.

    No number is masked: whoever asks for the request gets the phone numbers in it.
    """
    if form == "http":
        return b"".join(to_wire(fixture.callback) for _, fixture in loaded)
    shared = [(path, replace(fixture, callback=without_secret(fixture.callback))) for path, fixture in loaded]
    forms: dict[str, Callable[[], str]] = {
        "curl": lambda: "".join(curl_command(fixture.callback, url) for _, fixture in shared),
        "httpie": lambda: "".join(httpie_command(fixture.callback, url) for _, fixture in shared),
        "har": lambda: archive([fixture for _, fixture in shared]),
        "pytest": lambda: unit_test(shared),
    }
    return forms[form]().encode()
