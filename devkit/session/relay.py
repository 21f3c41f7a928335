"""A team's relay: its engine, its receiver (`devkit relay serve`), and its callback URL (`devkit relay register`)."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from devkit.errors import CallbackHeldError, ConfigurationError, RelayError, UsageError, VonageError
from devkit.events import Notice, Publish
from devkit.events.relay import RelayReady
from devkit.http.request import StartResponse, WSGIApplication
from devkit.http.server import listen, serve
from devkit.receiver.app import serve_receiver
from devkit.receiver.recorder import Recorder
from devkit.relay.durability import EngineProblem, problems
from devkit.relay.engine import RedisEngine
from devkit.relay.member import MemberAccess, checked_length
from devkit.relay.settings import RelaySettings
from devkit.relay.store import RelayStore
from devkit.relay.stream import account_name
from devkit.session.project import Project
from devkit.session.registrations import Confirm, Registrations, settings_to_register
from devkit.session.settings import Settings
from devkit.session.signals import Shutdown
from devkit.tunnel.types import url_problem
from devkit.vonage.journal import read_journal
from devkit.vonage.setting import CallbackSetting
from devkit.webhook.callback import CALLBACK_PATH

_IN_CLEAR = "DEVKIT_RELAY_KEY is not set: the engine holds phone numbers in clear. Make a key: openssl rand -base64 32"


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """host, port: where to listen. health_port: None for no health port.

    risk_loss: also on an engine that loses receipts. allow_plain: as in `parse_engine_url`.
    """

    host: str
    port: int
    health_port: int | None
    require_signature: bool = False
    risk_loss: bool = False
    allow_plain: bool = False


@contextmanager
def opened_engine(
    settings: Settings, relay: RelaySettings, *, allow_plain: bool = False, keep: timedelta | None = None
) -> Iterator[RedisEngine]:
    """The engine of the account in the settings. It connects when it is used.

    allow_plain, keep: as in `parse_engine_url` and `RedisEngine`. Raises ConfigurationError.
    """
    if not settings.api_key:
        raise ConfigurationError(
            "VONAGE_API_KEY is not set: the relay has a stream for each account.",
            hint="Put the account's key into .env: VONAGE_API_KEY=...",
        )
    engine = RedisEngine(relay.engine_url(allow_plain=allow_plain), account_name(settings.api_key), keep=keep)
    try:
        yield engine
    finally:
        engine.close()


def team_token(settings: Settings, project: Project) -> str:
    """The token of the account's callback path, from which the members' are made. Raises ConfigurationError."""
    token = project.callback_token(settings.callback_token)
    if token:
        return token
    raise ConfigurationError(
        "DEVKIT_CALLBACK_TOKEN is empty: everybody could send to the relay.",
        hint="Remove the line, and devkit makes a token; receivers on several machines need the same one.",
    )


def account_callback_url(base: str, token: str) -> str:
    """The callback URL for the account. base: the relay's public URL. Raises ConfigurationError."""
    return checked_length(f"{base.rstrip('/')}{CALLBACK_PATH}/{token}")


def serve_relay(
    settings: Settings,
    relay: RelaySettings,
    project: Project,
    options: ServeOptions,
    publish: Publish,
    stop: Shutdown,
) -> None:
    """Take webhooks for the relay until a shutdown is requested; those in progress are finished. Raises DevkitError."""
    project.prepare()
    token = team_token(settings, project)
    with ExitStack() as stack:
        engine = stack.enter_context(
            opened_engine(settings, relay, allow_plain=options.allow_plain, keep=relay.keep)
        )
        engine.connect()
        engine.check_writable()
        refuse_loss(problems(engine.inspect(), datetime.now(UTC)), publish, risk_loss=options.risk_loss)
        if not relay.cipher.keys:
            publish(Notice(_IN_CLEAR))
        listener = stack.enter_context(listen(options.host, options.port))
        place = _url(options.host, listener)
        receiver = f"{socket.gethostname()}:{listener.getsockname()[1]}"
        recorder = Recorder(
            RelayStore(engine, relay.cipher, receiver, token),
            publish,
            clock=lambda: datetime.now(UTC),
            nonce="",
            secret=settings.signature_secret,
            method=settings.signature_method,
            require_signature=options.require_signature,
            expects_messages=True,  # the team's applications may have the relay's URL, too
        )
        stack.enter_context(serve_receiver(recorder.handle_batch, listener, MemberAccess(token)))
        health_url = (
            stack.enter_context(_serving_health(options, engine)) if options.health_port is not None else ""
        )
        publish(
            RelayReady(
                engine=str(engine.url),
                local_url=place,
                callback_url=account_callback_url(relay.public_url, token),
                health_url=health_url,
                receiver=receiver,
                encrypted=bool(relay.cipher.keys),
                pid=os.getpid(),
            )
        )
        stop.wait()
    publish(recorder.stopped())


def refuse_loss(found: list[EngineProblem], publish: Publish, *, risk_loss: bool) -> None:
    """Raise ConfigurationError for an engine that loses what it acknowledged; say what cannot be found out."""
    for problem in found:
        if problem.severity == "loses" and not risk_loss:
            raise ConfigurationError(
                f"The engine would lose receipts that were answered 200. {problem.text}",
                hint=f"{problem.hint}. Or accept the loss: --risk-loss",
            )
        publish(Notice(f"{problem.text} {problem.hint}."))


@contextmanager
def _serving_health(options: ServeOptions, engine: RedisEngine) -> Iterator[str]:
    """Serve the health port while the block runs; gives its URL."""
    with (
        listen(options.host, options.health_port or 0, option="--health-port") as listener,
        serve(health_app(engine.check_writable), listener, threads=1),
    ):
        yield f"{_url(options.host, listener)}/"


def health_app(check: Callable[[], None]) -> WSGIApplication:
    """Answers 200 while receipts are kept, else 503, whatever is asked. check: raises RelayError."""

    def respond(environ: dict[str, object], start_response: StartResponse) -> list[bytes]:
        try:
            check()
            status, text = "200 OK", b"ok\n"
        except RelayError:  # what is wrong is on the terminal: here everybody may ask
            status, text = "503 Service Unavailable", b"the engine does not keep receipts\n"
        start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
        return [text]

    return respond


def _url(host: str, listener: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}"


def register_relay(
    settings: Settings,
    project: Project,
    public_url: str,
    *,
    inbound: bool,
    force: bool,
    now: str,
    publish: Publish,
    confirm: Confirm,
) -> None:
    """Set the account's callback to the relay. Vonage requests the URL first, so a receiver must be running.

    public_url: of the relay, https. inbound: also the URL for inbound messages. force, confirm: as in a session.
    now: UTC, as text. Raises CallbackHeldError while a session runs here, VonageError, ConfigurationError, UsageError.
    """
    project.prepare()
    url = account_callback_url(_checked_url(public_url), team_token(settings, project))
    if not settings.has_credentials:
        raise ConfigurationError(
            "There are no Vonage credentials, so there is no account to change.",
            hint="Put VONAGE_API_KEY and VONAGE_API_SECRET into .env.",
        )

    def confirm_takeover(text: str) -> None:
        if not (force or confirm(f"{text} Replace it by the relay's?")):
            raise CallbackHeldError(text, hint="Take it over: devkit relay register URL --force")

    with project.session_lock(now):
        if read_journal(project.journal):
            raise ConfigurationError(
                "A killed session left its callback in the account.",
                hint="Restore the former one first: devkit restore",
            )
        every = settings_to_register(settings.credentials, inbound=inbound)
        wanted = [setting for setting in every if _is_needed(setting, url, publish)]
        registrations = Registrations(wanted, project.relay_journal, publish, confirm_takeover)
        try:
            registrations.check()
            registrations.register_until_restored(url, now)
        except VonageError as error:
            error.hint = error.hint.replace("devkit restore", "devkit restore --relay")
            raise


def _is_needed(setting: CallbackSetting, url: str, publish: Publish) -> bool:
    if setting.read().url != url:
        return True
    publish(Notice(f"The account has the relay's URL already, as {setting.name}."))
    return False


def _checked_url(public_url: str) -> str:
    problem = url_problem(public_url) or ("has a path" if urlsplit(public_url).path.strip("/") else "")
    if problem:
        raise UsageError(
            f"The public URL of the relay {problem}.",
            hint="Write it without a path: devkit relay register https://dlr.example.com",
        )
    return public_url
