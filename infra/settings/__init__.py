"""What can be set: `values` checks each value by itself, `stack` makes the settings of the stack of them."""
