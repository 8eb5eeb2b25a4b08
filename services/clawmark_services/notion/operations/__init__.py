"""What each endpoint does: reads a request's parameters, calls the store, shows the result."""
