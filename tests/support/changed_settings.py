"""The settings that a test changes."""

from pathlib import Path
from typing import TypedDict


class ChangedSettings(TypedDict, total=False):
    """Some fields of `Settings`, to make one with `**`."""

    api_key: str
    api_secret: str
    rest_host: str
    application_id: str
    ngrok_authtoken: str
    ngrok_path: str
    ngrok_url: str
    forward_to: str
    public_url: str
    tunnel: str
    port: int
    offline: bool
    fixtures: Path
