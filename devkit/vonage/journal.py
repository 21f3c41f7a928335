"""What is needed to restore a former callback URL, on disk from before it is changed."""

import json
import re
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from devkit.durable import files as durable
from devkit.durable.lock import in_turn
from devkit.durable.regular_file import BadRecord, read_record
from devkit.errors import ConfigurationError
from devkit.events.session import SettingName
from devkit.http.local_access import is_local_host
from devkit.vonage.setting import WORDS, CallbackSetting, StoredURL, Words
from devkit.webhook.callback import CALLBACK_PATH
from devkit.webhook.masking import one_line
from devkit.webhook.strict_json import InvalidJson, parse

# Callback paths that devkit makes. Tutorials use the path without a token too.
_DEVKIT_PATH = re.compile(rf"{CALLBACK_PATH}/[A-Za-z0-9_-]{{16,}}")

_MAX_DEPTH = 64  # of an application


@dataclass(frozen=True, slots=True)
class Journal:
    """One registration. since: UTC, as text. setting: what was changed; application_id: of which application, if any.

    former_application: as `StoredURL.application`, from before the first change.
    earlier_url: another URL of ours, which the account still holds if `our_url` was not saved.
    pending_url: a former callback that an earlier session here could not restore, because another devkit had the
    account; empty when there is none.
    """

    host: str
    api_key: str
    former_url: str
    our_url: str
    since: str
    pid: int
    earlier_url: str = ""
    pending_url: str = ""
    setting: SettingName = "drCallBackUrl"
    application_id: str = ""
    former_application: str = field(default="", repr=False)

    @property
    def identity(self) -> tuple[str, str, str]:
        """As in `CallbackSetting`."""
        return self.host, self.api_key, self.application_id

    @property
    def words(self) -> Words:
        return WORDS[self.setting]

    def is_ours(self, url: str) -> bool:
        """Whether this registration has set the callback."""
        return bool(url) and url in (self.our_url, self.earlier_url)

    @property
    def oldest_url(self) -> str:
        """The callback from before the first session that the journal knows."""
        return self.pending_url or self.former_url


def journal_path(first: Path, setting: SettingName) -> Path:
    """The journal of a setting. first: that of the account's callback, which is beside it."""
    return first if setting == "drCallBackUrl" else first.with_name(f"{first.stem}-{setting}.json")


def devkit_host(callback_url: str) -> str:
    """The host of a callback URL that looks like one of devkit's; empty for any other."""
    host, path = _host_and_path(callback_url)
    return one_line(host) if _DEVKIT_PATH.fullmatch(path) else ""


def _host_and_path(url: str) -> tuple[str, str]:
    """Both parts of a URL; empty for a text that is no URL: the account, or a damaged journal, may hold anything."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.netloc, parts.path


def other_devkit(journal: Journal) -> str:
    """The host of another running devkit whose callback a registration would replace; empty when there is none."""
    if journal.earlier_url:  # left by a killed session of our own
        return ""
    host = devkit_host(journal.former_url)
    return "" if host == _host_and_path(journal.our_url)[0] else host


def is_temporary(callback_url: str) -> bool:
    """Whether a callback that this project did not set may be replaced by a former one later.

    So it is with another devkit's, whose session ends, and with none. Any other was set on purpose.
    """
    return not callback_url or bool(devkit_host(callback_url))


def next_journal(draft: Journal, stored: StoredURL, previous: Journal | None) -> Journal:
    """The journal of a registration that is about to begin.

    draft: the journal without what was there before; it may have the application from before another registration of
    this session. stored: what Vonage holds. previous: the journal on disk.
    The former callback is what Vonage holds; after a killed session, what its journal says.
    """
    current = stored.url
    journal = replace(
        draft, former_url=current, former_application=draft.former_application or stored.application
    )
    if previous is None or previous.identity != draft.identity:
        return journal
    if previous.is_ours(current):
        return replace(
            draft,
            former_url=previous.former_url,
            former_application=previous.former_application,
            earlier_url=current,
            pending_url=previous.pending_url,
        )
    is_pending = is_temporary(current) and previous.oldest_url != current
    return replace(journal, pending_url=previous.oldest_url if is_pending else "")


def read_journal(path: Path) -> Journal | None:
    """The journal of a session that has not restored the callback; None when there is none.

    Raises ConfigurationError for one that cannot be read.
    """
    try:
        journal = read_record(path, Journal)
        if journal:
            _check_application(journal.former_application)
        return journal
    except BadRecord as error:
        raise ConfigurationError(
            f"{path} cannot be read, so the former callback is not known: {error}.",
            hint="Look up the callback in the Vonage dashboard, then delete the file.",
        ) from error


def _check_application(text: str) -> None:
    try:
        if text and not isinstance(parse(text.encode(), max_depth=_MAX_DEPTH), dict):
            raise BadRecord("its former_application is not a JSON object")
    except InvalidJson as error:
        raise BadRecord("its former_application is not JSON") from error


def refuse_foreign_journal(setting: CallbackSetting, path: Path) -> None:
    """Raise ConfigurationError for a journal of another account or application: it would be overwritten."""
    previous = read_journal(path)
    # A simulator's account ends with the simulator, so nothing is lost there.
    if previous is None or previous.identity == setting.identity or is_local_host(previous.host):
        return
    if previous.identity[:2] == setting.identity[:2]:
        raise ConfigurationError(
            f"{path} holds the former {previous.words.url} of another application, "
            f"{one_line(previous.application_id)}, which was not restored yet.",
            hint="To restore it, type: devkit restore",
        )
    raise ConfigurationError(
        f"{path} holds the former {previous.words.url} of another Vonage account, which was not restored yet.",
        hint="Put that account's key and secret into .env and type: devkit restore. Or delete the file.",
    )


def write_journal(path: Path, journal: Journal) -> None:
    """Write the journal; it is on disk when this returns. Raises ConfigurationError."""
    try:
        _write(path, journal)
    except OSError as error:
        raise ConfigurationError(
            f"Cannot write {path}: {error.strerror}. Nothing was changed at Vonage.",
            hint="Make it writable: without it the former callback could not be restored after a crash.",
        ) from error


def _write(path: Path, journal: Journal) -> None:
    durable.replace(path, json.dumps(asdict(journal), indent=2).encode())


def clear_journal(path: Path, journal: Journal, pending_url: str) -> None:
    """Remove a registration that is over from the journal, unless another session has written its own.

    pending_url: a former callback that must still be remembered; without one the file is removed.
    Raises ConfigurationError.
    """
    with in_turn(path.parent):
        if was_replaced(path, journal):
            return
        if pending_url:
            try:
                _write(path, replace(journal, former_url=pending_url, pending_url=""))
            except OSError as error:
                raise ConfigurationError(
                    f"Cannot write {path}: {error.strerror}. It should say that {one_line(pending_url)}, a former "
                    f"{journal.words.url}, was not restored.",
                    hint="Free disk space or make it writable, then type: devkit restore",
                ) from error
            return
        with suppress(OSError):  # a file that stays does no harm: the account does not hold our URL any more
            durable.remove(path)


def was_replaced(path: Path, journal: Journal) -> bool:
    """Whether the journal on disk is that of another session."""
    try:
        return read_journal(path) not in (journal, None)
    except ConfigurationError:  # damaged meanwhile; what we know is as good
        return False
