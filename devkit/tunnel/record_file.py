"""A private file that says what a session must undo, so that the next one can do it when this one is killed."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from devkit.durable import files as durable
from devkit.durable.regular_file import BadRecord, read_record
from devkit.errors import TunnelError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RecordFile(Generic[T]):
    """name: of the file in a project's private directory. kind: the dataclass that it holds."""

    name: str
    kind: type[T]

    def write(self, private_dir: Path, record: T) -> None:
        """Raises TunnelError."""
        content: Any = record  # a dataclass, which a type variable cannot say
        try:
            durable.replace(private_dir / self.name, json.dumps(asdict(content)).encode())
        except OSError as error:
            message = f"what the tunnel changes cannot be recorded in {private_dir}: {error.strerror}"
            raise TunnelError(
                message, hint=f"Make {private_dir} a directory that you can write to"
            ) from error

    def read(self, private_dir: Path) -> T | None:
        """None when there is no file, or none that devkit wrote: nothing is undone by guess."""
        try:
            return read_record(private_dir / self.name, self.kind)
        except BadRecord:
            return None

    def remove(self, private_dir: Path) -> None:
        (private_dir / self.name).unlink(missing_ok=True)
