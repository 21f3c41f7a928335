"""Explains a receipt to people: what it says, what to do about it, and what its fields do not mean."""
