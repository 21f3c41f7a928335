"""ngrok's error codes: what each means, and what to type next."""

import json
import re

from devkit.tunnel.tool import first_line
from devkit.tunnel.types import AgentError

_CODE = re.compile(r"ERR_NGROK_(\d+)")
_LOG_PREFIX = re.compile(r"^[ \t]*ERROR:", re.MULTILINE)
_NAMED_TOKEN = re.compile(r"(authtoken\s*[:=]\s*)\S+", re.IGNORECASE)
_LONG_WORD = re.compile(r"(?<![\w./:-])\w{24,}(?![\w.-])")  # an authtoken; host names and paths do not match
_CLEARS_BY_ITSELF = ("108", "334")  # when a stale session ends

_DASHBOARD = "https://dashboard.ngrok.com"
_NEW_TOKEN = f"Put NGROK_AUTHTOKEN=... into .env; copy it from {_DASHBOARD}/get-started/your-authtoken"
_NEW_AGENT = "Update the agent: ngrok update (or remove it, and devkit downloads the newest one)"
_ELSEWHERE = "Check the network (devkit doctor), use your own tunnel (--public-url URL), or none (--offline)"
_DOMAIN = f"Take a domain of your account from {_DASHBOARD}/domains for NGROK_URL, or leave NGROK_URL empty"


# Message and hint. The meanings are ngrok's: https://ngrok.com/docs/errors/
_ADVICE = {
    "103": ("ngrok has suspended this account", f"Sign in at {_DASHBOARD} to see why"),
    "105": ("ngrok refuses the authtoken: it is malformed", _NEW_TOKEN),
    "106": ("ngrok refuses the authtoken: it is one of ngrok version 1", _NEW_TOKEN),
    "107": ("ngrok refuses the authtoken: it was reset, revoked, or left its team", _NEW_TOKEN),
    "108": (
        "this ngrok account already runs as many agents as it may",
        f"Stop another agent: {_DASHBOARD}/agents lists them",
    ),
    "120": ("the ngrok agent is too old for the service", _NEW_AGENT),
    "121": ("the ngrok agent is too old for this account", _NEW_AGENT),
    "123": ("this ngrok account has no verified e-mail address", f"Verify it at {_DASHBOARD}/user/settings"),
    "313": ("the domain in NGROK_URL needs a paid ngrok plan", _DOMAIN),
    "319": ("the domain in NGROK_URL is not one of this ngrok account", _DOMAIN),
    "324": (
        "this ngrok account already has as many endpoints as it may",
        f"Stop one: {_DASHBOARD}/endpoints lists them",
    ),
    "334": (
        "the public URL is in use by another ngrok agent",
        f"Stop the other agent ({_DASHBOARD}/agents lists them), or set NGROK_URL to another domain",
    ),
    "4018": ("ngrok requires an account: there is no authtoken", _NEW_TOKEN),
    "9009": (
        "ngrok would use the proxy in http_proxy, which this account may not do",
        "Unset http_proxy and https_proxy for devkit, or use another tunnel: devkit dev --public-url URL",
    ),
}


def explain(reason: str, authtoken: str) -> AgentError:
    """The error for an agent's failure. reason: from its log, its stderr or its API; may hold the authtoken."""
    found = _CODE.search(reason)
    if found is None:
        line = _first_line(reason, authtoken)
        return AgentError(f"the ngrok agent opened no tunnel: {line}", hint=_ELSEWHERE)
    code = found[1]
    if code in _ADVICE:
        message, hint = _ADVICE[code]
        clears = code in _CLEARS_BY_ITSELF
        return AgentError(f"{message} (ERR_NGROK_{code})", hint=hint, clears=clears, lasting=not clears)
    return AgentError(
        f"ngrok refused: {_first_line(reason, authtoken)} (ERR_NGROK_{code})",
        hint=f"ngrok explains it: https://ngrok.com/docs/errors/err_ngrok_{code}",
    )


def redact(text: str, authtoken: str) -> str:
    """Replace the authtoken and all that looks like one, which may come from the user's own ngrok.yml."""
    if authtoken:
        text = text.replace(authtoken, "***")
    return _LONG_WORD.sub("***", _NAMED_TOKEN.sub(r"\1***", text))


def _first_line(reason: str, authtoken: str) -> str:
    # Line ends in the agent's log are two characters, a backslash and a letter.
    text = redact(_api_error(reason), authtoken).replace("\\r", "\n").replace("\\n", "\n")
    return first_line(_LOG_PREFIX.sub("", text))


def _api_error(reason: str) -> str:
    """The reason in a JSON error of the agent's API; any other text unchanged."""
    try:
        return str(json.loads(reason)["details"]["err"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return reason
