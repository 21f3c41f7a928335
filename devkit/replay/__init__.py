"""Sends recorded callbacks again: what and when (schedule), how they change (transform), the results (send, result)."""
