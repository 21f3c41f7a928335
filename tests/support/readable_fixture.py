"""What a fixture says, where a test knows that it can be read."""

from devkit.fixture.format import Fixture
from devkit.webhook.receipt import Webhook


def read_webhook(fixture: Fixture) -> Webhook:
    """What the fixture says; AssertionError when it cannot be read."""
    reading = fixture.read()
    assert isinstance(reading, Webhook), reading
    return reading
