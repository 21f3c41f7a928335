"""A whole session: everything that opens is stacked, and closes in turn."""
