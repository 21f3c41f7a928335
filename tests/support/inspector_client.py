"""An inspector without a server, and what a reader sees of its pages."""

import re
from html import unescape

from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache

from devkit.inspector.app import create_inspector
from tests.support.inspector_server import Recordings


class _Compiled(BytecodeCache):
    """Templates, compiled once for all tests."""

    def __init__(self) -> None:
        self.known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.known:
            bucket.bytecode_from_string(self.known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.known[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


def client(recordings: Recordings, **options: object) -> FlaskClient:
    """Requests to an inspector of these recordings."""
    app = create_inspector(recordings.store, recordings.event_log, recordings.options(**options))
    app.jinja_env.bytecode_cache = _COMPILED
    return app.test_client()


def page(web: FlaskClient, path: str) -> str:
    """The HTML of a page that is there."""
    answer = web.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def words(html: str) -> str:
    """What a reader sees of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
