"""The vonage SDK's HTTP client, for Vonage or, in plain http, for a simulator on this machine. For no other host.

The SDK takes long to import, so it is imported when the first client is made.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from devkit.errors import ConfigurationError, VonageError
from devkit.http.local_access import Host, is_vonage_name, parse_host
from devkit.webhook.masking import hide_secrets, one_line

if TYPE_CHECKING:  # only types, and importing them takes half a second
    from requests import PreparedRequest, RequestException, Response
    from requests.adapters import HTTPAdapter
    from vonage_http_client import HttpClient

_API_HOST = "api.nexmo.com"  # of the newer APIs: applications, messages
TIMEOUT = 20  # seconds; Vonage itself waits up to 18 for the URL that it probes before it saves it
_CHECK_NETWORK = "Check the network and any proxy settings, or work without Vonage: devkit dev --offline"


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account and its host: `rest.nexmo.com`, or `127.0.0.1:PORT` of a simulator."""

    api_key: str
    api_secret: str = field(repr=False)
    host: str = "rest.nexmo.com"


@dataclass(frozen=True, slots=True)
class ApplicationKey:
    """A Vonage application and the private key that signs its calls. private_key: PEM, PKCS #8."""

    application_id: str
    private_key: str = field(repr=False)


def make_client(
    credentials: Credentials, *, timeout: int = TIMEOUT, application: ApplicationKey | None = None
) -> "HttpClient":
    """A client for calls of one kind. timeout: whole seconds. Raises ConfigurationError for a foreign host.

    application: signs calls of the Messages API, instead of the key and the secret.

    Make a new client for another kind of call: the SDK shares its headers between calls, so a form sent after JSON is
    labelled as JSON (vonage-http-client 1.5.2).
    """
    from vonage_http_client import Auth, HttpClient, HttpClientOptions

    host = _allowed_host(credentials.host)
    # The SDK logs the Authorization header at debug level, and error bodies as warnings; our errors say what matters.
    logging.getLogger("vonage").disabled = True
    # Both settings together keep the SDK from repeating a POST: pool_maxsize is also the number of attempts after a
    # lost connection, ten by default.
    options = HttpClientOptions(
        rest_host=str(host),
        api_host=str(host) if host.is_local else _API_HOST,
        timeout=timeout,
        max_retries=0,
        pool_maxsize=1,
    )
    auth = Auth(
        api_key=credentials.api_key,
        api_secret=credentials.api_secret,
        application_id=application and application.application_id,
        private_key=application and application.private_key,
    )
    client = HttpClient(auth, options)
    session = client._session  # private, but the only way to reach a simulator and to refuse redirects
    session.max_redirects = 0
    session.auth = lambda request: request  # otherwise an entry in ~/.netrc would replace the API key
    if host.is_local:
        session.trust_env = False  # a proxy of the environment leads nowhere on loopback
        session.mount(f"https://{host}/", _plain_http_adapter())
    return client


def _allowed_host(text: str) -> Host:
    """The host that may get the key and the secret. URLs are built from it, never from the text itself."""
    host = parse_host(text)
    if host and (host.is_local or (is_vonage_name(host.name) and host.port is None)):
        return host
    raise ConfigurationError(
        f"VONAGE_REST_HOST is {text!r}, which is neither Vonage's nor on this machine.",
        hint="Remove the line to use rest.nexmo.com, or name a simulator as 127.0.0.1:PORT",
    )


def post_form(
    credentials: Credentials, path: str, params: dict[str, str], client: "HttpClient | None" = None
) -> dict[str, object]:
    """POST a form; return the JSON object that Vonage answers. client: a new one by default. Raises VonageError."""
    return _call(credentials, "POST", path, params, "form", client)


def get_json(credentials: Credentials, path: str, params: dict[str, str] | None = None) -> dict[str, object]:
    """GET a JSON object. params: of the query. Raises VonageError."""
    return _call(credentials, "GET", path, params, "query_params")


def put_json(credentials: Credentials, path: str, document: dict[str, object]) -> dict[str, object]:
    """PUT a JSON object; return the one that Vonage answers. Raises VonageError."""
    return _call(credentials, "PUT", path, document, "json")


def _call(
    credentials: Credentials,
    method: Literal["GET", "POST", "PUT"],
    path: str,
    params: Mapping[str, object] | None,
    sent_as: Literal["form", "query_params", "json"],
    client: "HttpClient | None" = None,
) -> dict[str, object]:
    client = client or make_client(credentials)
    host = client.api_host if path.startswith("/v2/") else client.rest_host
    with translated(credentials.host, hidden=(credentials.api_secret,)):
        answer = client.make_request(method, host, path, params, "basic", sent_as)
    if not isinstance(answer, dict):
        raise VonageError(
            f"{credentials.host} answered with something other than a JSON object.",
            hint="Check VONAGE_REST_HOST and any proxy or login page in between.",
        )
    return answer


@contextmanager
def translated(host: str, *, hidden: Iterable[str] = ()) -> Iterator[None]:
    """Raise the errors of the SDK and of its HTTP library as VonageError.

    hidden: texts that must not be shown, should the host repeat them.
    """
    import requests
    from vonage_http_client.errors import AuthenticationError, HttpRequestError

    try:
        yield
    except AuthenticationError as error:
        raise VonageError(
            "Vonage refused the API key or its secret (401).",
            hint="Compare VONAGE_API_KEY and VONAGE_API_SECRET in .env with the Vonage dashboard.",
            status=401,
        ) from error
    except HttpRequestError as error:
        raise _refusal(error.response, hidden) from error
    except requests.TooManyRedirects as error:
        raise VonageError(
            f"{host} answered with a redirect. devkit follows none, to keep the API secret from other hosts.",
            hint="Check VONAGE_REST_HOST and any proxy in between.",
        ) from error
    except requests.Timeout as error:
        raise VonageError(
            f"{host} did not answer within {TIMEOUT} s.",
            hint="Try again, or work without Vonage: devkit dev --offline",
            transient=True,
            unanswered=not _has_no_connection(error),
        ) from error
    except requests.RequestException as error:
        name = type(error).__name__  # its own text holds the URL and more
        if _has_no_connection(error):
            raise VonageError(
                f"{host} cannot be reached ({name}).", hint=_CHECK_NETWORK, transient=True
            ) from error
        raise VonageError(
            f"{host} gave no complete answer ({name}).", hint=_CHECK_NETWORK, transient=True, unanswered=True
        ) from error


def _has_no_connection(error: "RequestException") -> bool:
    """Whether a request failed before anything of it was sent."""
    from requests.exceptions import ConnectTimeout, ProxyError, SSLError
    from urllib3.exceptions import NewConnectionError

    if isinstance(error, ConnectTimeout | ProxyError | SSLError):
        return True
    cause = error.args[0] if error.args else None  # requests has no type of its own for a refused connection
    return isinstance(getattr(cause, "reason", None), NewConnectionError)


def _problem(response: "Response") -> str:
    """Title, detail and wrong parameters of a problem document, as the newer APIs answer; empty for another answer."""
    try:
        document: Any = response.json()
        wrong = [f"{each['name']} {each['reason']}" for each in document.get("invalid_parameters", ())]
        return ": ".join(filter(None, (document["title"], document.get("detail", ""), ", ".join(wrong))))
    except (AttributeError, LookupError, TypeError, ValueError):
        return ""


def _text(header: str | bytes) -> str:
    """The SDK writes a JWT as bytes, and the secret as text."""
    return header.decode() if isinstance(header, bytes) else header


def _refusal(response: "Response", hidden: Iterable[str]) -> VonageError:
    encoded = _text(response.request.headers.get("Authorization", "")).rpartition(" ")[2]  # the secret
    reason = hide_secrets(_problem(response) or response.text, (*hidden, encoded))
    hints = {
        403: "The key may not use this API: check its permissions in the Vonage dashboard.",
        429: "Too many calls: wait a minute and try again.",
    }
    status = response.status_code
    hint = hints.get(status, "Try again; if the error persists, ask Vonage's support or use --no-register.")
    return VonageError(
        f"Vonage answered {status}: {one_line(reason, 200) or 'no reason given'}",
        hint=hint,
        transient=status == 429 or status >= 500,
        status=status,
    )


def _plain_http_adapter() -> "HTTPAdapter":
    from requests.adapters import HTTPAdapter

    class PlainHttp(HTTPAdapter):
        """Plain http for a simulator on loopback: the SDK puts https:// in front of every host."""

        def send(self, request: "PreparedRequest", *args: object, **kwargs: object) -> "Response":
            request.url = (request.url or "").replace("https://", "http://", 1)
            return super().send(request, *args, **kwargs)  # type: ignore[arg-type]

    return PlainHttp()
