"""A new release: compare, send, mark."""
