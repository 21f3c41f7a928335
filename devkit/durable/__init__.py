"""Files that are complete or absent, also after a power cut, and locks between processes."""
