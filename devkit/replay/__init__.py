"""Sends fixtures again: what is sent (plan), how it is changed (edit, renew, rewrite), when (pace), what came back."""
