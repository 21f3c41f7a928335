"""Two team keys of the relay, as `DEVKIT_RELAY_KEY` has them."""

import base64

OLD = base64.b64encode(b"o" * 32).decode()
NEW = base64.urlsafe_b64encode(b"\xff" * 32).decode().rstrip("=")
