"""Benchmarks: devkit beside the programs that its users have today, measured in turn on one machine, as ratios."""
