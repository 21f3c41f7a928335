"""Figures: this project beside what its users have today, driven in turn on one machine, told as ratios."""
