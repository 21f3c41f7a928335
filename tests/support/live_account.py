"""An account at a simulator that already has a callback."""

from collections.abc import Iterator
from contextlib import contextmanager

from devkit.session.project import Project
from devkit.session.restore import restore
from devkit.session.settings import Settings
from devkit.simulator import run_simulator
from devkit.vonage.account import AccountSetting
from devkit.vonage.client import Credentials
from devkit.vonage.restoration import Restoration
from tests.support.settings_gateway import Gateway, gateway_to

AUTHTOKEN = "2abcDEFauthtokenNeverShown_0123456789"


@contextmanager
def account_with(callback: str) -> Iterator[Gateway]:
    """A gateway to the account. Its calls don't include the one that set this callback."""
    with run_simulator() as simulator, gateway_to(simulator) as gateway:
        set_callback(gateway, callback)
        yield gateway


def set_callback(vonage: Gateway, url: str) -> None:
    """As another program would, past the gateway."""
    simulator = vonage.simulator
    AccountSetting(Credentials(simulator.api_key, simulator.api_secret, simulator.host)).set_callback(url)


def registered_callback(vonage: Gateway) -> str:
    """The callback URL that the account has now."""
    return vonage.simulator.account.dr_callback_url


def settings(vonage: Gateway) -> Settings:
    simulator = vonage.simulator
    return Settings(api_key=simulator.api_key, api_secret=simulator.api_secret, rest_host=vonage.host)


def environ(vonage: Gateway, **more: str) -> dict[str, str]:
    """The same settings for a process."""
    simulator = vonage.simulator
    return {
        "VONAGE_API_KEY": simulator.api_key,
        "VONAGE_API_SECRET": simulator.api_secret,
        "VONAGE_REST_HOST": vonage.host,
        "NGROK_AUTHTOKEN": AUTHTOKEN,
        **more,
    }


def restored(
    settings: Settings, project: Project, *, clear: bool = False, now: str = "2026-11-23T12:00:00+00:00"
) -> Restoration:
    """What `devkit restore` did in a project with one journal at most."""
    done = list(restore(settings, project, clear=clear, now=now))
    assert len(done) <= 1
    return done[0] if done else Restoration("nothing")
