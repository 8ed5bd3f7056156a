"""Work side by side that a signal can interrupt."""
