"""The Vonage account: the SDK's client, messages, and the registration of the callback URL."""
