"""The command line: options, configuration, and what the user is told."""
