"""The relay: one receiver for a team, whose webhooks wait on an engine until each member has fetched them."""
