"""The public receiver: takes callbacks, records them and forwards them."""
