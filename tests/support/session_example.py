"""One running session, as `.devkit/session.json` describes it."""

import os

from devkit.session.project import Session

SESSION = Session(
    pid=os.getpid(),
    started_at="2026-11-23T13:45:47+00:00",
    mode="offline",
    local_url="http://127.0.0.1:3000",
    public_url="http://127.0.0.1:3000",
    callback_url="http://127.0.0.1:3000/webhooks/delivery-receipt/the-token",
    rest_host="127.0.0.1:4000",
    api_key="abcd1234",
    api_secret="the-api-secret",
)
