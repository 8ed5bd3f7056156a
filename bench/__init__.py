"""``make bench``: how long an upload takes, beside the tools that people would use in its place."""
