"""A whole session: `devkit dev` and what works beside it."""
