"""Takes the pictures of the inspector for the documentation: python -m docs.make_screenshots

Needs chromium, chromedriver and selenium. All numbers are in the range that is never assigned.
"""

import random
import tempfile
from collections.abc import Callable
from contextlib import chdir
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from devkit.events.session import Sent
from devkit.fixture.redaction.policy import Policy
from devkit.fixture.store import Store
from devkit.http.address import parse_address
from devkit.inspector.report import make_report
from devkit.webhook.signature import sign
from tests.support.browser import Browser, chromium
from tests.support.inspector_server import KEY, Recordings, running_inspector

OUT = Path(__file__).resolve().parent / "screenshots"
SECRET = "test-signature-secret"
WIDE, NARROW = (1200, 740), (400, 740)


def main() -> None:
    """Write every picture anew."""
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, chdir(directory), chromium() as browser:
        empty = Recordings(Store(Path.cwd() / "empty"))
        recordings = Recordings(
            Store(Path.cwd() / "fixtures"), now=datetime(2026, 11, 23, 11, 40, tzinfo=UTC)
        )
        key = fill(recordings)
        inbound = Recordings(Store(Path.cwd() / "inbound"), now=datetime(2026, 11, 23, 11, 40, tzinfo=UTC))
        latest = talk(inbound)
        usual: dict[str, Any] = {
            "secret": SECRET,
            "forward_to": parse_address("http://127.0.0.1:5000/webhooks/dlr"),
        }
        with (
            running_inspector(empty) as nothing,
            running_inspector(recordings, **usual) as url,
            running_inspector(inbound, **usual) as talking,
        ):
            shots: dict[str, tuple[str, tuple[int, int], str, Callable[[Browser], None]]] = {
                "empty": (nothing, WIDE, "light", nothing_more),
                "overview": (url, WIDE, "light", nothing_more),
                "receipt": (f"{url}/receipts/{key}", WIDE, "light", nothing_more),
                "conversation": (f"{talking}/receipts/{latest}", WIDE, "light", nothing_more),
                "fields-dark": (f"{url}/receipts/{key}#fields", WIDE, "dark", nothing_more),
                "edit": (f"{url}/receipts/{key}", WIDE, "light", edit),
                "narrow-list": (url, NARROW, "light", nothing_more),
                "narrow-receipt": (f"{url}/receipts/{key}", NARROW, "dark", nothing_more),
            }
            for name, (address, size, scheme, prepare) in shots.items():
                browser.resize(*size)
                browser.scheme(scheme)
                browser.get("about:blank")  # else a change of the hash alone would load nothing
                browser.get(address)
                browser.wait_for_text("#live", "Live")
                prepare(browser)
                browser.driver.save_screenshot(str(OUT / f"{name}.png"))
        take_report(recordings, browser)


def take_report(recordings: Recordings, browser: Browser) -> None:
    """The picture of a report, as `devkit report` makes it."""
    paths = [entry.path for entry in islice(recordings.store.entries(), 60)][::-1]
    made = make_report(paths, Policy(KEY), {}, {}, recordings.now, secret=SECRET, method="md5hash")
    file = Path.cwd() / "report.html"
    file.write_bytes(made.html)
    browser.resize(*WIDE)
    browser.scheme("light")
    browser.get(file.as_uri())
    browser.driver.save_screenshot(str(OUT / "report.png"))


def nothing_more(_: Browser) -> None:
    pass


def edit(browser: Browser) -> None:
    browser.press("e")
    browser.wait(lambda: browser.run("return document.activeElement.name") == "to")


def fill(recordings: Recordings) -> str:
    """Two hours of an application that sends codes; the key of the receipt to show."""
    chance = random.Random(7)
    networks = ("23410", "23410", "23410", "26201", "20801", "310004")
    for number in range(70):
        message, to = f"0A0000{chance.randrange(16**10):010X}", f"4477009{chance.randrange(1000):05d}"
        common: dict[str, Any] = {
            "network_code": chance.choice(networks),
            "transport": chance.choice(("get", "get", "json")),
            "msisdn": to,
            "client_ref": f"login-{4000 + number}",
        }
        if number % 9 == 0:
            recordings.event_log.publish(Sent((message,), to))
        recordings.receipt("accepted", message, seconds=chance.uniform(20, 160), **common)
        if chance.random() < 0.3:
            recordings.receipt("buffered", message, seconds=chance.uniform(0.5, 9), **common)
        if chance.random() < 0.12:
            status, code = chance.choice(
                (("failed", "2"), ("failed", "9"), ("rejected", "6"), ("expired", "1"))
            )
            recordings.receipt(status, message, code, seconds=chance.uniform(1, 80), **common)
        elif chance.random() < 0.93:
            recordings.receipt("delivered", message, seconds=chance.uniform(0.8, 6) ** 2 / 2, **common)
    return sequence(recordings)


def talk(recordings: Recordings) -> str:
    """What people wrote to a number, and a status of the Messages API; the key of the message to show."""
    uuid = "3c7e09b1-5a4d-4f68-8a00-00001234567b"
    recordings.status("submitted", uuid, client_ref="order-7", secret=SECRET)
    recordings.status("rejected", uuid, "1240", client_ref="order-7", secret=SECRET)
    recordings.inbound("Is my parcel there?", "2800000000000001")
    recordings.inbound("YES", "2800000000000002", sender="447700900002")
    recordings.now += timedelta(seconds=50)
    long = (
        "Thank you. I am at home until noon; after that please leave it with the neighbours on the left, who have a "
        "bell with two names on it. The one on the ",
        "right has a dog that does not like parcels, nor the people who bring them. ",
        "Yours, Ada",
    )
    return recordings.parts(long, [2, 1])[-1]


def sequence(recordings: Recordings) -> str:
    """A message that failed, with a duplicate and a receipt that came too late, signed."""
    common = {"msisdn": "447700900002", "client_ref": "login-4711"}
    recordings.now += timedelta(seconds=40)
    key = ""
    for status, code, seconds in (
        ("accepted", "0", 3),
        ("failed", "2", 2.4),
        ("failed", "2", 61),
        ("buffered", "0", 4.2),
    ):
        later = recordings.now + timedelta(seconds=seconds)
        stamp = f"{later:%Y-%m-%d %H:%M:%S}"
        fields = {
            "msisdn": common["msisdn"], "to": "AcmeInc", "network-code": "23410", "messageId": "0A0000001234567B",
            "price": "0.03330000", "status": status,
            "scts": f"{recordings.now + timedelta(hours=1):%y%m%d%H}{len(status):02d}",
            "err-code": code, "api-key": "abcd1234", "client-ref": common["client_ref"], "message-timestamp": stamp,
            "timestamp": str(int(later.timestamp())), "nonce": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
        }  # fmt: skip
        fields["sig"] = sign(fields, SECRET, "md5hash")
        recordings.now += timedelta(seconds=seconds - 1)
        written = recordings.fields(fields)
        key = written if status == "failed" and not key else key
    return key


if __name__ == "__main__":
    main()
