"""HTTP, to the byte: the server that takes callbacks and the client that sends them."""
