"""Says what is wrong in fixture files, and where."""

from devkit.check.file import check, check_file, tracked_recordings

__all__ = ["check", "check_file", "tracked_recordings"]
