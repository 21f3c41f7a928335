"""Experiments: each tries to break one promise of devkit. Run by `make reliability`; results: docs/reliability.md."""
