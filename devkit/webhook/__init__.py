"""What Vonage sends, as values: a callback is the request, a webhook what it says, a receipt the webhook of an SMS."""
