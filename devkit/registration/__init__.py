"""The account's delivery-receipt callback: set for a session, and the former one given back."""
