"""Sends a test SMS whose receipts come to this session, and waits for them."""
