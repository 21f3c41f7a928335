"""What Vonage sends, as values."""
