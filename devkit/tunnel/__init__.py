"""The tunnel: whatever gives a local address a public URL."""
