"""Sends recorded callbacks again: which and when (schedule), with what changes (transform); and new ones (trigger)."""
