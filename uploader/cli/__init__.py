"""The command line: options, configuration, and output."""
