"""How much processor time and memory a run of the cleaner takes, on sites of any size."""
