"""Small random programs that are run under a scheduler, and what lockcheck says of them."""
