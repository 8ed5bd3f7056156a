"""What is on this machine: a build's files, their names, and who made them."""
