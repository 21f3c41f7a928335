"""Makes a sample of a recording on the page: first what would be replaced, then the file."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from devkit.fixture import Fixture, load
from devkit.keep import Policy, Redaction, Sample, assign, plan_keep, write
from devkit.keep.sample import describe
from devkit.receipt import Receipt
from devkit.selector import shown

# What `plan_keep` calls a replacement, for people.
_METHODS = {
    "number": "a number that nobody has, always the same one for it",
    "sender": "another sender, unless it is a word that anybody may see",
    "pseudonym": "something of the same form, always the same for it",
    "example": "an example",
}


@dataclass(frozen=True, slots=True)
class Keeping:
    """key: gives the project's private key, and makes it the first time. samples: where samples go."""

    key: Callable[[], bytes] = field(repr=False)
    samples: Path
    policy: Policy = field(default_factory=Policy, repr=False)


@dataclass(frozen=True, slots=True)
class Replacement:
    """One field or header that a sample does not keep. after: what stands there, empty for a header."""

    name: str
    how: str
    after: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a sample would be. name: to begin with, after what it says."""

    name: str
    replacements: tuple[Replacement, ...]


def propose(keeping: Keeping, path: Path) -> Proposal:
    """What would be replaced. Writes nothing but the key, if that is missing. Raises DevkitError."""
    redaction = _plan(keeping, path)
    after = _fields(redaction.fixture)
    return Proposal(
        describe(redaction.fixture),
        tuple(
            Replacement(name, _METHODS.get(method, method), after.get(name, ""))
            for name, method in redaction.replaced.items()
        ),
    )


def keep(keeping: Keeping, path: Path, name: str) -> Sample:
    """The sample, written. Raises DevkitError."""
    (sample,) = assign([_plan(keeping, path)], keeping.samples, name)
    write([sample])
    return sample


def _plan(keeping: Keeping, path: Path) -> Redaction:
    return plan_keep(load(path), keeping.key(), keeping.policy, name=shown(path))


def _fields(fixture: Fixture) -> dict[str, str]:
    reading = fixture.read()
    return {name: reading.text(name) for name in reading.fields} if isinstance(reading, Receipt) else {}
