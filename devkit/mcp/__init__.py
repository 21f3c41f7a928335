"""What agents may do, over the Model Context Protocol: read receipts, and send them to this machine."""
