"""What a user can set: `values` checks each value by itself, `stack` turns all of them into the stack's settings."""
