"""``make bench``: how long an upload takes, compared with the tools that people would use instead."""
