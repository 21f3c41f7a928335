"""The inspector: the private web page over the recorded receipts. On this machine only; no tunnel leads to it."""
