"""Experiments: each tries to break one promise of devkit. `make reliability` runs them; docs/reliability.md tells."""
