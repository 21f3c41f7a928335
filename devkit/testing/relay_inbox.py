"""An inbox of the receipts that a relay takes for one test: no public address is needed, so it works in CI."""

import re
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager

from devkit.errors import ConfigurationError, RelayError
from devkit.relay.engine import RedisEngine
from devkit.relay.member import check_member, member_in_url, with_part
from devkit.relay.position import BEGINNING
from devkit.relay.reader import RelayReader, Selection
from devkit.relay.settings import RelaySettings, relay_settings
from devkit.relay.stream import account_name
from devkit.testing.inbox import NotReceived, ReceiptInbox
from devkit.testing.sample_webhook import SampleWebhook
from devkit.vonage.client import Credentials
from devkit.webhook.receipt import Receipt

_PART = 32  # characters of the part of a name that is a test's own
_RANDOM = 3  # bytes
_WAIT = 0.2  # seconds of a read. The end of a test waits for it: no other thread may close its connection
_PAUSE = 1.0  # seconds between two attempts to reach a relay that was lost


class RelayInbox(ReceiptInbox):
    """The receipts of one test's messages, from the moment when it began. Nothing is written to disk.

    who: the test's own name at the relay. callback_url: a message with this `callback` is the test's; empty when
    DEVKIT_RELAY_CALLBACK is not set. A message whose `client_ref` begins with `who` and a colon is the test's, too.
    """

    def __init__(self, who: str, callback_url: str, credentials: Credentials | None) -> None:
        super().__init__()
        self.who, self.callback_url = who, callback_url
        self._credentials = credentials
        self._problem = ""

    def send(
        self, to: str, text: str = "Hello from devkit", *, sender: str = "devkit", client_ref: str = ""
    ) -> tuple[str, ...]:
        """Send an SMS whose receipts come to this test; return the message id of each part. Raises DevkitError.

        The account is that of VONAGE_API_KEY and VONAGE_API_SECRET, at VONAGE_REST_HOST.
        """
        from devkit.vonage.sms import send_sms  # here: the SDK takes half a second to import

        if self._credentials is None:
            raise ConfigurationError(
                "There are no credentials to send with.",
                hint="Set VONAGE_API_KEY and VONAGE_API_SECRET in the environment of the tests.",
            )
        owned = bool(self.callback_url) and not client_ref
        return send_sms(
            self._credentials,
            to=to,
            sender=sender,
            text=text,
            callback=self.callback_url,
            client_ref="" if owned else f"{self.who}:{client_ref}",
        )

    def wait_for_receipts(
        self, count: int, timeout: float = 5, **fields: object
    ) -> tuple[SampleWebhook, ...]:
        """As `ReceiptInbox.wait_for_receipts`; NotReceived says it too if the relay cannot be read."""
        try:
            return super().wait_for_receipts(count, timeout, **fields)
        except NotReceived as error:
            if self._problem:
                raise NotReceived(f"{error}\nThe relay: {self._problem}") from None
            raise

    def fill_from(self, reader: RelayReader, ended: threading.Event) -> None:
        """Add what the relay takes until the test ends. For a thread of its own."""
        while not ended.is_set():
            try:
                batch = reader.read(_WAIT)
            except RelayError as error:
                self._problem = error.message
                ended.wait(_PAUSE)
                continue
            self._problem = batch.failure.message if batch.failure else ""
            for received in batch.received:
                if isinstance(received.fixture.read(), Receipt):
                    self.put(received.fixture.callback)
            reader.position = batch.position
            if batch.failure:
                return


def has_relay(environ: Mapping[str, str]) -> bool:
    """Whether the environment names a relay."""
    return bool(environ.get("DEVKIT_RELAY"))


@contextmanager
def relay_inbox(environ: Mapping[str, str], test: str) -> Iterator[RelayInbox]:
    """The inbox of a test, which is filled while the block runs. Raises RelayError, ConfigurationError.

    environ: with DEVKIT_RELAY and the other settings of the relay. test: its name.
    """
    names = ("DEVKIT_RELAY", "DEVKIT_RELAY_KEY", "DEVKIT_RELAY_CALLBACK", "DEVKIT_WHO")
    settings = relay_settings({name: environ[name] for name in names if environ.get(name)}, environ)
    who, callback_url = _names(settings, test)
    key, secret = environ.get("VONAGE_API_KEY", ""), environ.get("VONAGE_API_SECRET", "")
    if not key:
        raise ConfigurationError(
            "VONAGE_API_KEY is not set: the relay has a stream for each account.",
            hint="Set it in the environment of the tests.",
        )
    host = environ.get("VONAGE_REST_HOST") or "rest.nexmo.com"
    inbox = RelayInbox(who, callback_url, Credentials(key, secret, host) if key and secret else None)
    with closing(RedisEngine(settings.engine_url(), account_name(key))) as engine:
        position = engine.span().last or BEGINNING
        reader = RelayReader(engine, Selection(who, "mine"), settings.cipher, position)
        ended = threading.Event()
        thread = threading.Thread(
            target=inbox.fill_from, args=(reader, ended), name="relay-inbox", daemon=True
        )
        thread.start()
        try:
            yield inbox
        finally:
            ended.set()
            thread.join()


def _names(settings: RelaySettings, test: str) -> tuple[str, str]:
    """The test's own name at the relay, and the callback URL of its messages; empty without a member's URL."""
    readable = re.sub("[^a-z0-9-]+", "-", test.lower()).strip("-")
    part = f"{readable[: _PART - 2 * _RANDOM - 1]}-{secrets.token_hex(_RANDOM)}".strip("-")
    if member_in_url(settings.callback_url):
        callback_url = with_part(settings.callback_url, part)
        return member_in_url(callback_url), callback_url
    return check_member(f"{settings.name().partition('.')[0]}.{part}"), ""
