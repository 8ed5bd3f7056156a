"""The build on this machine: its files, their names, and the commit and CI build that made them."""
