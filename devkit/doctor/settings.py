"""Where the settings come from and whether they can be used. Names are told, values never."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from devkit.doctor.check import Check, failed, ok, refused, skipped
from devkit.errors import ConfigurationError, DevkitError
from devkit.fixture.git import tracked_files
from devkit.session.settings import Settings, read_settings

_OURS = ("VONAGE_", "NGROK_", "PYNGROK_", "DEVKIT_")
_PAIR = ("VONAGE_API_KEY", "VONAGE_API_SECRET")


@dataclass(frozen=True, slots=True)
class Sources:
    """Which settings of ours are given where. in_file: those in `.env`; set_outside: those of the environment."""

    file: Path
    in_file: tuple[str, ...]
    set_outside: tuple[str, ...]

    def of(self, name: str) -> str:
        """Where a setting that is in force comes from."""
        # An empty value of the environment goes before one of the file, too.
        return "the environment" if name in self.set_outside else str(self.file)


def find_sources(environ: Mapping[str, str], directory: Path) -> Sources:
    file = directory / ".env"
    outside = tuple(sorted(name for name in environ if name.startswith(_OURS)))
    return Sources(file, _names_in(file), outside)


def try_settings(environ: Mapping[str, str], directory: Path) -> tuple[Settings | None, list[Check]]:
    """The settings, and what is to be said of them; None when they cannot be used."""
    sources = find_sources(environ, directory)
    try:
        settings = read_settings(environ, directory)
    except ConfigurationError as error:
        step = "credentials" if _is_about_the_pair(environ, directory) else ".env"
        first = [_file(sources)] if step == "credentials" else []
        return None, [*first, refused(step, error)]
    return settings, [
        _file(sources, needed=not settings.has_credentials),
        *_tracked(sources),
        *_credentials(settings, sources),
    ]


def _names_in(file: Path) -> tuple[str, ...]:
    from dotenv import dotenv_values

    try:
        values = dotenv_values(file, interpolate=False, encoding="utf-8-sig") if file.is_file() else {}
    except (OSError, UnicodeDecodeError):  # which the settings tell better
        return ()
    return tuple(sorted(name for name, value in values.items() if value and name.startswith(_OURS)))


def _is_about_the_pair(environ: Mapping[str, str], directory: Path) -> bool:
    """Whether the settings can be read but for the key and the secret."""
    try:
        read_settings({**environ, **dict.fromkeys(_PAIR, "")}, directory)
    except ConfigurationError:
        return False
    return True


def _file(sources: Sources, *, needed: bool = False) -> Check:
    if not sources.file.is_file():
        hint = "To use an account: cp .env.example .env, and fill in what you have" if needed else ""
        return skipped(".env", f"there is none in {sources.file.parent}", hint)
    names = ", ".join(sources.in_file) or "nothing of devkit's"
    over = sorted(set(sources.in_file) & set(sources.set_outside))
    rest = f"; the environment goes before it for {', '.join(over)}" if over else ""
    return ok(".env", f"{sources.file} sets {names}{rest}")


def _tracked(sources: Sources) -> Iterator[Check]:
    try:
        if tracked_files(sources.file):
            yield failed(
                ".env in git",
                f"git tracks {sources.file}, which is for secrets",
                f"git rm --cached {sources.file.name}, commit that, and make new secrets in the dashboards",
            )
    except DevkitError:  # no git: then it is nobody's to commit
        return


def _credentials(settings: Settings, sources: Sources) -> Iterator[Check]:
    if not settings.has_credentials:
        yield skipped("credentials", "no Vonage key and secret: devkit works offline, with its simulator")
        return
    places = sorted({sources.of(name) for name in _PAIR})
    said = f"key and secret are set, in {' and '.join(places)}"
    if settings.offline:
        yield skipped("credentials", f"{said}, but DEVKIT_OFFLINE is set: they are not used")
    else:
        yield ok("credentials", said)
