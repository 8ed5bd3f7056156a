"""The uploader as a library: one function for each command of the command line, which calls these functions itself."""
